# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# What 'vswapctl migrate' makes of a configuration of zram-generator or rpi-swap is one that 'vswapctl start'
# takes, and brings up what it says.
# memory: 384
# with: vswapctl
# disks: 448,448
# kernel: stock
# shellcheck source=tests/guest/disks.sh
. /tests/disks.sh

files=/tmp/files
file=$files/swapfile

# says SENTENCE ARGUMENT...: vswapctl has to succeed and say that.
says() {
    says_what=$1
    shift
    said=$(vswapctl "$@" 2>&1 </dev/null) || fail "'vswapctl $*' failed and said '$said'"
    case $said in
    *"$says_what"*) ;;
    *) fail "'vswapctl $*' said '$said', expected '$says_what'" ;;
    esac
}
priority() { awk -v path="$device" '$1 == path { print $5 }' /proc/swaps; }
no_loops() { [ -z "$(losetup --list --noheadings)" ]; }

step "as zram-generator is configured"
mkdir -p /etc/systemd /etc/rpi
cat >/etc/systemd/zram-generator.conf <<END
[zram0]
zram-size = min(ram / 2, 64)
zram-resident-limit = 16
compression-algorithm = zstd
swap-priority = 70
writeback-device = /dev/pmem1
END
says "[disk /dev/pmem1]" migrate --dry-run
[ ! -e /etc/vswap.conf.d ] || fail "a dry run writes something"
says "/etc/vswap.conf.d/50-migrated.conf is written" migrate
! vswapctl migrate >/tmp/said 2>&1 || fail "it overwrites what it wrote before"
says "the configuration is valid" config --check
says "is swapped on, with 1 disk" start --module /vswap.ko
expect "settings" "$(vswapctl get | head -n 3 | tr '\n' ' ')" "size=64M ram_limit=16M comp_algorithm=zstd "
expect "priority" "$(priority)" 70
tier_is /dev/pmem1 state active || fail "the disk is none: $(cat $class/tiers)"
swapped $(($(scaled 16) * 240)) pagecheck --size "$(scaled 16)" --mix random --pageout
says "the module unloaded" stop --unload
rm -r /etc/systemd /etc/vswap.conf.d

step "as rpi-swap is configured"
modules loop ext4
mkdir $files
mke2fs -F -b 4096 /dev/pmem0 >/dev/null
# Without extents, so that space can't be allocated without writing.
mount -t ext4 /dev/pmem0 $files
cat >/etc/rpi/swap.conf <<END
[Main]
Mechanism=zram+file
[Zram]
FixedSizeMiB=48
[File]
Path=$file
FixedSizeMiB=16
END
says "/etc/vswap.conf.d/50-migrated.conf is written" migrate
says "the configuration is valid" config --check
says "is swapped on, with 1 disk" start --module /vswap.ko
expect "size" "$(vswapctl get size)" 64M
expect "what is listed" "$(vswapctl status -rn -o name,kind | grep ' disk')" "$file disk"
holds "bytes of the file's blocks" $(($(stat -c %b $file) * 512)) -ge $((16 * mib))
swapped $(($(scaled 16) * 240)) pagecheck --size "$(scaled 16)" --mix random --pageout
says "the module unloaded" stop --unload
eventually no_loops || fail "there is a loop device left: $(losetup --list)"
rm -r /etc/rpi /etc/vswap.conf.d
umount $files
rmdir $files
# The next test shall find no file system there.
dd if=/dev/zero of=/dev/pmem0 bs=1M count=1 2>/dev/null
