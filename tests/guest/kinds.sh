# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# How the swap core treats the device: it keeps the slots of pages that were read from a disk,
# so that they cost nothing when they are reclaimed again; for pages from memory it does not.
# memory: 384
# disks: 448,448
# shellcheck source=tests/guest/disks.sh
. /tests/disks.sh

size=$(scaled 24)
pages=$((size * per_mib))
rounds=3

# read_again: pages are swapped out, moved to the disk if there is one, and then read in each round
# without being changed: $stored and $read are how many were stored and read from a disk meanwhile.
read_again() {
    hold_out --size "$size" --mix compressible --pageout --rounds $rounds --rewrite 0 --discard 0
    [ -z "$(cat $class/tiers)" ] || tell writeback all
    settled
    before=$(value ram_stores) loaded=$(value disk_loads)
    release
    stored=$(($(value ram_stores) - before)) read=$(($(value disk_loads) - loaded))
    step "$stored pages stored, and $read read from a disk"
}

load size_mib=1024 ram_limit_mib=64
swapon "$device"
step "memory only"
read_again
holds "pages stored" $stored -ge $((rounds * pages * 3 / 4))
expect_empty

step "a disk that is memory"
add /dev/pmem1
read_again
holds "pages stored" $stored -ge $(((rounds - 1) * pages * 3 / 4))
remove /dev/pmem1

step "a disk that is not"
make_disk disk /dev/pmem0
add /dev/mapper/disk
read_again
holds "pages read from the disk" $read -ge $((rounds * pages * 3 / 4))
holds "pages stored" $stored -le $((pages / 4))
expect_empty

step "pages that are read in order are read ahead"
turn disk /dev/pmem0 slow 20
hold_out --size 8 --mix compressible --pageout
tell writeback all
settled
ahead=$(vmstat swap_ra)
release
holds "pages read ahead" $(($(vmstat swap_ra) - ahead)) -ge $((per_mib * 39 / 10))
turn disk /dev/pmem0 healthy

step "and none in memory"
echo 0 >$class/ram_limit
read_again
holds "pages read from the disk" $read -ge $((rounds * pages * 3 / 4))
expect_empty

step "more pages than the disk takes while all are kept in memory as well"
remove /dev/mapper/disk
slice little /dev/pmem1 0 24
table /dev/mapper/little healthy | dmsetup create small
add /dev/mapper/small
limited 24 pagecheck --size 36 --mix random --rounds 3 --rewrite 10 --discard 5 || fail "pagecheck ended with status $?"
# On a debug kernel pages may find no room before slots are freed: then they stay in memory.
case $(uname -r) in
*-vswap-debug) ;;
*) expect "failed stores" "$(value failed_stores)" 0 ;;
esac
expect_empty
remove /dev/mapper/small
dmsetup remove small little disk
stop
