# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# A failed disk is probed, and taken back when it has recovered; bad pages don't make it fail.
# memory: 384
# disks: 448,448
# allowed: Read-error on swap-device
# shellcheck source=tests/guest/disks.sh
. /tests/disks.sh

disk=/dev/mapper/disk
has_failed() { tier_is $disk state failed; }
is_back() { tier_is $disk state active; }

# make_it_fail STATE: it does, and the list must show that.
make_it_fail() {
    turn disk /dev/pmem0 "$1"
    pagecheck --size 12 --mix random --pageout --rounds 1 || fail "pagecheck ended with status $?"
    within 30 has_failed || fail "it has not failed: $(cat $class/tiers)"
}

load size_mib=1024 ram_limit_mib=0
swapon "$device"
make_disk disk /dev/pmem0
add $disk 10
add /dev/pmem1

step "taken back by itself"
make_it_fail no-writes
sleep 4
expect "state while it fails" "$(tier $disk state)" failed
turn disk /dev/pmem0 healthy
within 120 is_back || fail "it is not taken back: $(cat $class/tiers)"
expect "times that it recovered" "$(tier $disk recovered)" ""
swapped 2000 pagecheck --size 12 --mix random --pageout
expect "times that it recovered" "$(tier $disk recovered)" 1
step "$(cat $class/tiers)"
holds "bytes that were written to it" "$(tier $disk written)" -gt $((10 * mib))

step "taken back on request"
make_it_fail no-writes
# It has been probed so often that the next probe takes a while.
sleep 20
turn disk /dev/pmem0 healthy
tell tier_probe $disk
within 8 is_back || fail "it is not taken back: $(cat $class/tiers)"
swapped 2000 pagecheck --size 12 --mix random --pageout
expect "times that it recovered" "$(tier $disk recovered)" 2
# There is nothing wrong with it.
tell tier_probe $disk
denied_for_a_reason "No such file or directory" tier_probe /dev/pmem3
denied_for_a_reason "Invalid argument" tier_probe "$disk now"

step "another disk in its place"
make_it_fail no-writes
dd if=/dev/urandom of=/tmp/page bs=$page count=1 2>/dev/null
dd if=/tmp/page of=/dev/pmem0 bs=$page count=1 conv=notrunc 2>/dev/null
sync
turn disk /dev/pmem0 healthy
tell tier_probe $disk
sleep 3
expect "state with another first page" "$(tier $disk state)" failed
expect_empty
remove $disk
add $disk 10

step "bad pages"
modprobe null_blk nr_devices=0
mount -t configfs none /sys/kernel/config
unreliable=/sys/kernel/config/nullb/unreliable
mkdir $unreliable
echo $((2 * least)) >$unreliable/size
echo 1 >$unreliable/memory_backed
echo 1 >$unreliable/power
remove $disk
remove /dev/pmem1
add /dev/unreliable
hold_out --size $((2 * least + 2)) --mix random --pageout --may-lose >/tmp/held-says
settled
add /dev/pmem1
echo "+$((1000 * page / 512))-$((1032 * page / 512 - 1))" >$unreliable/badblocks
refused "Input/output error" sh -c "echo /dev/unreliable >$class/tier_remove"
holds "errors" "$(tier /dev/unreliable errors)" -ge 32
expect "state" "$(tier /dev/unreliable state)" active
sleep 3
expect "state later on" "$(tier /dev/unreliable state)" active
remove /dev/unreliable force
release_some
expect "pages that are lost" "$lost" 32
expect_empty
rmdir $unreliable
umount /sys/kernel/config
modprobe -r null_blk

step "a disk that can't be read has failed"
add $disk 10
hold_out --size 8 --mix random --pageout --may-lose >/tmp/held-says
settled
turn disk /dev/pmem0 no-reads
release_some
holds "pages that are lost" "$lost" -gt 1000
within 30 has_failed || fail "it has not failed: $(cat $class/tiers)"
turn disk /dev/pmem0 healthy
expect_empty
remove $disk
remove /dev/pmem1
dmsetup remove disk
stop
