# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What must hold in a booted guest in which the packages are installed and the service enabled.
# shellcheck source=tests/guest/lib.sh
. /tests/lib.sh

show() { systemctl show --property "$2" --value "$1"; }
priority() { awk -v path="$device" '$1 == path { print $5 }' /proc/swaps; }
disks() { vswapctl status --raw --noheadings --output name,kind,prio,state | awk '$2 == "disk"' | tr '\n' ' '; }
is_held() { [ -e /run/held ]; }
is_over() { [ "$(show held.service ActiveState)" != active ]; }
no_loops() { [ -z "$(losetup --list --noheadings)" ]; }
inactive() { [ "$(show "$1" ActiveState)" = inactive ]; }

is_up() {
    expect "state of the service" "$(show vswap.service ActiveState)" active
    expect "priority" "$(priority)" 77
    expect "what swapon shows" "$(swapon --show=NAME,PRIO --noheadings 2>/dev/null | tr -s ' ')" "$device 77"
    expect "the disks" "$(disks)" "/dev/pmem0 disk 10 active /srv/swapfile disk 0 active "
}

step "booted"
state=$(systemctl is-system-running --wait) || true
[ "$state" = running ] || fail "the system is $state: $(systemctl --failed --no-legend --plain) $(systemctl list-jobs --no-legend)"
expect "whether it is enabled" "$(systemctl is-enabled vswap)" enabled
is_up
case $(journalctl --unit vswap --output cat) in
*"there is no /dev/disk/by-partlabel/there-is-none; "*"continuing without it"*) ;;
*) fail "nothing was said about the missing disk: $(journalctl --unit vswap --output cat)" ;;
esac
cycles=$(journalctl --output cat --grep 'ordering cycle|Breaking ordering') && fail "the units' order is a circle: $cycles"
expect "RAM limit" "$(vswapctl get ram-limit)" 8M

step "in order"
began=$(show vswap.service ActiveEnterTimestampMonotonic)
holds "vswap before what waits for swap" "$began" -le "$(show swap.target ActiveEnterTimestampMonotonic)"
holds "vswap after its file system" "$(show srv.mount ActiveEnterTimestampMonotonic)" -le "$(show vswap.service ExecMainStartTimestampMonotonic)"
case " $(show dev-vswap0.swap After) " in
*" vswap.service "*) ;;
*) fail "swap is not ordered after vswap.service: $(show dev-vswap0.swap After)" ;;
esac

step "known to udev"
expect "state of the device's unit" "$(show dev-vswap0.device ActiveState)" active
udevadm info --query property /dev/vswap0 | grep -q ID_FS && fail "it was probed"

step "verified"
said=$(systemd-analyze verify --man=no vswap.service 2>&1) || fail "systemd-analyze verify: $said"
expect "what systemd-analyze says" "$said" ""
said=$(udevadm verify /usr/lib/udev/rules.d/90-vswap.rules 2>&1) || fail "udevadm verify: $said"

step "swaps under pressure"
before=$(awk '$1 == "pswpout" { print $2 }' /proc/vmstat)
systemctl start pressure || fail "$(journalctl --unit pressure --output cat)"
holds "pages swapped out" $(($(awk '$1 == "pswpout" { print $2 }' /proc/vmstat) - before)) -ge 8192
vswapctl status
said=$(vswapctl check) || true
case $said in
*"swapped on with priority 77"*) ;;
*) fail "vswapctl check says '$said'" ;;
esac

step "stops with pages on it"
systemctl start held
within 60 is_held || fail "it does not begin: $(journalctl --unit held --output cat)"
holds "slots in use" "$(sed -n 's/^used_slots //p' $class/stat)" -ge 4096
systemctl stop vswap || fail "$(journalctl --unit vswap --output cat)"
rm /run/held
within 60 is_over || fail "the pages are still being compared"
expect "how the comparison ended" "$(show held.service Result)" success
expect "priority" "$(priority)" ""
expect "the disks" "$(cat $class/tiers)" ""
eventually no_loops || fail "there is a loop device left: $(losetup --list)"
eventually inactive dev-vswap0.swap || fail "dev-vswap0.swap is $(show dev-vswap0.swap ActiveState)"

step "starts again"
systemctl start vswap || fail "$(journalctl --unit vswap --output cat)"
is_up
vswapctl remove /dev/pmem0 >/dev/null
expect "the disks" "$(disks)" "/srv/swapfile disk 0 active "
systemctl reload vswap || fail "$(journalctl --unit vswap --output cat)"
is_up

step "a wrong configuration"
printf '[vswap]\nsize = big\n' >/etc/vswap.conf.d/60-bad.conf
systemctl restart vswap || fail "it does not start with 'size = big': $(journalctl --unit vswap --output cat)"
case $(journalctl --unit vswap --output cat) in
*"/etc/vswap.conf.d/60-bad.conf:2: size: 'big' is not a size"*) ;;
*) fail "nothing was said about the wrong size: $(journalctl --unit vswap --output cat)" ;;
esac
rm /etc/vswap.conf.d/60-bad.conf
is_up

step "a disk that comes late"
printf '[disk /dev/loop7]\n' >/etc/vswap.conf.d/70-late.conf
systemctl daemon-reload
fallocate -l 8M /srv/late
losetup /dev/loop7 /srv/late
has_late() {
    case $(disks) in
    *"/srv/late disk 0 active"*) ;;
    *) false ;;
    esac
}
within 60 has_late || fail "it is not added: $(journalctl --unit 'vswap-disk@*' --output cat) $(systemctl status dev-loop7.device)"
vswapctl remove /dev/loop7
losetup --detach /dev/loop7
rm /etc/vswap.conf.d/70-late.conf /srv/late
systemctl daemon-reload
is_up

step "stop says how far it is"
expect "who may say so" "$(show vswap.service NotifyAccess)" all
