# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# The device as swapon, swapoff and their users see it.
# memory: 256
# shellcheck source=tests/guest/lib.sh
. /tests/lib.sh

# header OFFSET LENGTH: those bytes of the device.
header() { dd if="$device" bs=$page count=1 2>/dev/null | dd bs=1 skip="$1" count="$2" 2>/dev/null; }
hex() { header "$1" "$2" | od -An -v -tx1 | tr -d ' \n'; }

# shown COLUMN: what util-linux's swapon shows. It prints that it can't look for a label on a
# character device, which is true and harmless.
shown() { swapon --show="$1" --noheadings --bytes --raw 2>/dev/null; }

# check_on: all agree about a device of 1 GiB that is on, without its header page.
check_on() {
    kib=$((1048576 - page / 1024))
    expect "number of lines in /proc/swaps" "$(wc -l </proc/swaps)" 2
    # shellcheck disable=SC2046 # fields
    set -- $(tail -n 1 /proc/swaps)
    expect "path in /proc/swaps" "$1" "$device"
    expect "size in /proc/swaps" "$3" $kib
    expect "used in /proc/swaps" "$4" 0
    expect "SwapTotal" "$(meminfo SwapTotal)" $kib
    expect "shown path" "$(shown NAME)" "$device"
    expect "shown size" "$(shown SIZE)" $((kib * 1024))
    expect "shown use" "$(shown USED)" 0
}
# as_hex NUMBER: its 32 bits, the lowest byte first.
as_hex() { printf '%02x%02x%02x%02x\n' $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24 & 255)); }

load size_mib=1024
step "the header"
expect magic "$(header $((page - 10)) 10)" SWAPSPACE2
expect version "$(hex 1024 4)" 01000000
expect last_page "$(hex 1028 4)" "$(as_hex $((1024 * per_mib - 1)))"
expect "number of bad pages" "$(hex 1032 4)" 00000000
expect label "$(header 1052 16 | tr -d '\0')" vswap0
uuid=$(hex 1036 16)
[ "$uuid" != 00000000000000000000000000000000 ] || fail "the UUID is empty"

step "util-linux: on, a second time, off"
swapon "$device"
check_on
refused "Device or resource busy" swapon "$device"
refused "" rmmod vswap
[ -e /sys/module/vswap ] || fail "the module is gone while the device is on"
check_on
refused "Device or resource busy" sh -c "echo $((2048 << 20)) >$class/size"
swapoff "$device"
expect "number of lines in /proc/swaps" "$(wc -l </proc/swaps)" 1

step "busybox: on and off"
busybox swapon "$device"
check_on
busybox swapoff "$device"

step "a priority"
swapon --priority 7 "$device"
expect "shown priority" "$(shown PRIO)" 7
expect "priority in /proc/swaps" "$(awk 'END { print $5 }' /proc/swaps)" 7
swapoff "$device"

step "another size while it is off"
echo $((256 << 20)) >$class/size
expect size "$(cat $class/size)" $((256 << 20))
expect last_page "$(hex 1028 4)" "$(as_hex $((256 * per_mib - 1)))"
swapon "$device"
expect "SwapTotal" "$(meminfo SwapTotal)" $((262144 - page / 1024))
swapoff "$device"
for nonsense in 0 many -1 4097 "" 18446744073709551615; do
    refused "Invalid argument" sh -c "echo '$nonsense' >$class/size"
    expect size "$(cat $class/size)" $((256 << 20))
done

step "loaded again, it is the same device"
unload
load size_mib=1024
expect UUID "$(hex 1036 16)" "$uuid"
swapon "$device"
check_on
stop
refused "" rmmod vswap
