# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# Disks are added, listed and removed; what can't be added is refused and changes nothing.
# memory: 384
# disks: 448,448
# shellcheck source=tests/guest/disks.sh
. /tests/disks.sh

signature() { blkid -p -o value -s "$1" "$2" || true; }

# listed DISK PRIORITY: its line is right as long as nothing fails.
listed() {
    grep -Eqx "$1 priority=$2 state=active size=[0-9]+ used=[0-9]+ bad=0 errors=0 read=[0-9]+ written=[0-9]+ dev=[0-9]+:[0-9]+${VSWAP_TEST_TIER:+ encrypt=1 integrity=1 corrupt=0}" $class/tiers ||
        fail "no such line for $1: $(cat $class/tiers)"
    holds "bytes of $1" "$(tier "$1" size)" -le "$(bytes "$1")"
    holds "bytes of $1" "$(tier "$1" size)" -gt $(($(bytes "$1") - 4 * mib))
}

# unheld DISK: nobody holds it.
unheld() {
    dmsetup create probe --table "0 8 linear $1 0" || fail "$1 is still held"
    dmsetup remove probe
}

# filled: swaps out and in more random pages than the ram tier has room for.
filled() {
    swapped $(($(scaled 16) * 240)) pagecheck --size "$(scaled 16)" --mix random --pageout
    expect "failed stores" "$(value failed_stores)" 0
}

load size_mib=1024 ram_limit_mib=4
to_disks
expect "the disks" "$(cat $class/tiers)" ""

step "added before swapon"
add /dev/pmem0
listed /dev/pmem0 0
expect "used" "$(tier /dev/pmem0 used)" 0
expect "type of the signature" "$(signature TYPE /dev/pmem0)" swap
expect "label of the signature" "$(signature LABEL /dev/pmem0)" vswap0-tier
refused "Device or resource busy" swapon /dev/pmem0
swapon "$device"
filled

step "added after swapon"
add /dev/pmem1 7
listed /dev/pmem1 7
expect "number of disks" "$(wc -l <$class/tiers)" 2
before=$(tier /dev/pmem0 written)
filled
holds "bytes written to /dev/pmem1" "$(tier /dev/pmem1 written)" -ge $(($(scaled 16) * mib * 9 / 10))
holds "bytes read from /dev/pmem1" "$(tier /dev/pmem1 read)" -ge $(($(scaled 16) * mib * 9 / 10))
expect "bytes written to the disk of lower priority" "$(tier /dev/pmem0 written)" "$before"

step "removed"
remove /dev/pmem1
expect "number of disks" "$(wc -l <$class/tiers)" 1
listed /dev/pmem0 0
expect "signature of what was removed" "$(signature TYPE /dev/pmem1)" ""
unheld /dev/pmem1
filled
remove /dev/pmem0
expect "the disks" "$(cat $class/tiers)" ""
unheld /dev/pmem0

step "priorities"
for priority in -5 0 32767; do
    add "/dev/pmem0 $priority"
    listed /dev/pmem0 "$priority"
    remove /dev/pmem0
done

step "not added"
denied "No such file or directory" tier_remove /dev/pmem0
denied "No such file or directory" tier_remove "/dev/pmem0 force"
denied "No such file or directory" tier_cancel /dev/pmem0

step "what can't be added"
add /dev/pmem0
denied_for_a_reason "File exists" tier_add /dev/pmem0
denied_for_a_reason "File exists" tier_add "/dev/pmem0 3"
denied "Invalid argument" tier_cancel /dev/pmem0
denied_for_a_reason "No such file or directory" tier_add /dev/there-is-none
for other in /dev/null "$device" /tests /tests/lib.sh; do
    denied_for_a_reason "Block device required" tier_add "$other"
done
for nonsense in "" " " pmem1 dev/pmem1 "/dev/pmem1 high" "/dev/pmem1 1 2" "/dev/pmem1 99999999999999999999"; do
    denied_for_a_reason "Invalid argument" tier_add "$nonsense"
done
mkswap /dev/pmem1 >/dev/null
swapon /dev/pmem1
denied_for_a_reason "Device or resource busy" tier_add /dev/pmem1
swapoff /dev/pmem1
slice small /dev/pmem1 0 $((least - 1))
denied_for_a_reason "Device or resource busy" tier_add /dev/pmem1
denied_for_a_reason "Invalid argument" tier_add /dev/mapper/small
dmsetup remove small
loop=$(loop /taken $((2 * least)) --read-only)
denied_for_a_reason "" tier_add "$loop"
case $refused_text in
*"Read-only file system"* | *"Permission denied"*) ;;
*) fail "a disk that can't be written to: $refused_text" ;;
esac
losetup --detach "$loop"
rm /taken
modprobe null_blk nr_devices=1 zoned=1 gb=1 zone_size=64
denied_for_a_reason "Invalid argument" tier_add /dev/nullb0
rmmod null_blk
remove /dev/pmem0

step "the smallest disks, and the largest number of them"
for number in 1 2 3 4 5 6 7 8 9; do
    slice "slice$number" /dev/pmem1 $((2 * least * number)) $least
    [ $number = 9 ] || add /dev/mapper/slice$number $number
done
expect "number of disks" "$(wc -l <$class/tiers)" 8
denied_for_a_reason "No space left on device" tier_add /dev/mapper/slice9
swapped $(($(scaled 4) * 256)) limited "$(scaled 4)" pagecheck --size "$(scaled 12)" --mix random --threads 2
for number in 8 7 6 5 4 3 2 1; do
    remove /dev/mapper/slice$number
done
add /dev/mapper/slice9
remove /dev/mapper/slice9
for number in 1 2 3 4 5 6 7 8 9; do
    dmsetup remove slice$number
done

step "unloading closes them"
add /dev/pmem0
add /dev/pmem1
filled
stop
unheld /dev/pmem0
unheld /dev/pmem1
