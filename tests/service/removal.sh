# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What dpkg does in a booted guest when the packages are removed while the device is swapped on.
# shellcheck source=tests/guest/lib.sh
. /tests/lib.sh

show() { systemctl show --property "$2" --value "$1"; }
is_on() { grep -q "^$device " /proc/swaps; }
is_held() { [ -e /run/large ]; }
is_over() { [ "$(show large.service ActiveState)" != active ]; }

# run_dpkg ARGUMENT...: $said is its output.
run_dpkg() {
    said=$(dpkg "$@" 2>&1) || fail "dpkg $* fails: $said"
}

# says SENTENCE...: what the removal printed.
says() {
    local sentence
    for sentence; do
        case $said in
        *"$sentence"*) ;;
        *) fail "the removal says '$said', expected '$sentence'" ;;
        esac
    done
}

step "booted"
state=$(systemctl is-system-running --wait) || true
[ "$state" = running ] || fail "the system is $state: $(systemctl --failed --no-legend --plain)"
is_on || fail "the device is not swapped on"
modules=$(dpkg-query --show --showformat '${Package}\n' 'vswap-modules-*')

step "a removal with enough memory"
run_dpkg --remove vswapctl "$modules"
is_on && fail "it is still swapped on: $said"
[ ! -d /sys/module/vswap ] || fail "the module is still loaded: $said"
[ -e /etc/vswap.conf ] || fail "the configuration is gone"

step "installed again"
run_dpkg --install /packages/*.deb
is_on && fail "the installation swaps it on"
systemctl start vswap || fail "$(journalctl --unit vswap --output cat)"
is_on || fail "the device is not swapped on"

step "an upgrade leaves it on"
run_dpkg --install /packages/*.deb
is_on || fail "it is swapped off: $said"

step "a removal with too little memory"
# Pages of one word take no room on the disks, whatever their number.
echo "SIZE=$(awk '/MemAvailable/ { print int($2 / 1024) + 160 }' /proc/meminfo)" >/run/large.env
systemctl start large
within 400 is_held || fail "it does not begin: $(journalctl --unit large --output cat)"
echo "$(awk '/MemAvailable/ { print int($2 / 1024) }' /proc/meminfo) MiB available, $(awk '/vswap0/ { print int($4 / 1024) }' /proc/swaps) MiB swapped out"
run_dpkg --purge vswapctl "$modules"
says "there is too little memory to read everything back" "/dev/vswap0 stays swapped on, and nothing is lost" "the module stays loaded until the next boot"
is_on || fail "it is swapped off: $said"
[ ! -e /etc/vswap.conf ] || fail "the configuration is still there"
expect "what is left of the packages" "$(dpkg-query --show --showformat '${db:Status-Abbrev}${Package} ' 'vswap*' 2>/dev/null | grep -o 'ii [^ ]*')" ""
rm /run/large
within 600 is_over || fail "the pages are still being compared"
expect "how the comparison ended" "$(show large.service Result)" success

step "switched off by hand"
swapoff "$device"
rmmod vswap
