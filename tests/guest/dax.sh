# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# Disks that are memory: a copy goes where a bio would go at that moment. A
# device-mapper device is moved to other memory while pages are swapped out to it, and a
# partition shrinks, whose neighbour keeps its data.
# memory: 384
# disks: 448,448
# allowed: Buffer I/O error
# shellcheck source=tests/guest/disks.sh
. /tests/disks.sh

# contents DISK: a checksum of the disk's contents, not of its page cache.
contents() {
    sync
    echo 3 >/proc/sys/vm/drop_caches
    md5sum <"$1"
}

load size_mib=1024 ram_limit_mib=0
swapon "$device"

step "a suspended table that is replaced"
slice disk /dev/pmem0 0 32
slice goal /dev/pmem1 0 32
add /dev/mapper/disk
hold_out --size 8 --mix random --pageout
settled
dmsetup suspend --nolockfs disk
dd if=/dev/pmem0 of=/dev/mapper/goal bs=1M count=32 2>/dev/null
sync
# I/O under way now must wait, and must not be lost.
pagecheck --size 8 --mix random --pageout --seed 2 --hold /tmp/held-too &
other=$!
sleep 3
dmsetup load disk --table "0 65536 linear /dev/pmem1 0"
dmsetup resume disk
held /tmp/held-too
rm /tmp/held-too
finished $other
release
expect_empty
remove /dev/mapper/disk
dmsetup remove disk goal

step "a partition that shrinks"
partition add /dev/pmem1 1 0 $((32 * mib))
within 10 test -b /dev/pmem1p1 || fail "there is no partition"
add /dev/pmem1p1 10
add /dev/pmem0
partition resize /dev/pmem1 1 0 $((16 * mib))
partition add /dev/pmem1 2 $((16 * mib)) $((16 * mib))
within 10 test -b /dev/pmem1p2 || fail "there is no second partition"
dd if=/dev/urandom of=/dev/pmem1p2 bs=1M count=16 2>/dev/null
failed=$(value failed_stores)
before=$(contents /dev/pmem1p2)
swapped 7000 pagecheck --size 30 --mix random --pageout
holds "bytes written to the partition" "$(tier /dev/pmem1p1 written)" -gt $((8 * mib))
expect "what is in the neighbour" "$(contents /dev/pmem1p2)" "$before"
holds "errors of the partition" "$(tier /dev/pmem1p1 errors)" -gt 0
expect "failed stores" "$(value failed_stores)" "$failed"
expect_empty
remove /dev/pmem1p1
remove /dev/pmem0
stop
