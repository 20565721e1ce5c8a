# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# Where a page goes: into its entry, to memory, to the disks by their priority, and nowhere
# when all are full.
# memory: 384
# disks: 448,448
# shellcheck source=tests/guest/disks.sh
. /tests/disks.sh

pages=$(($(scaled 16) * per_mib))
placed() {
    step "$1"
    shift
    hold --size $((pages / per_mib)) --pageout "$@"
    settled
    holds "used slots" "$(value used_slots)" -ge $((pages * 97 / 100))
}

# share NAME OPERATOR PERCENT: how many of the slots in use are of that kind.
share() { holds "percent of $1" $(($(value "$1") * 100 / $(value used_slots))) "$2" "$3"; }

released() {
    release
    expect_empty
}

load size_mib=1024 ram_limit_mib=64
add /dev/pmem0
swapon "$device"

placed "same-filled pages: the entry" --mix same
share same_filled_slots -ge 80
share disk_slots -le 1
released

placed "compressible pages: memory" --mix compressible
share ram_slots -ge 97
share disk_slots -le 1
released

placed "random pages: memory, as they are" --mix random
share raw_slots -ge 97
share disk_slots -le 1
released

step "random pages above the high watermark: the disk, at once"
echo $((4 * mib)) >$class/ram_limit
to_disks
placed "random pages" --mix random
share disk_slots -ge 97
share raw_slots -le 3
holds "bytes written" "$(value disk_write_bytes)" -ge $((pages * page * 97 / 100))
holds "bytes written" "$(value disk_write_bytes)" -le $((pages * page * 2))
loaded=$(value disk_loads)
released
holds "pages read from the disk" $(($(value disk_loads) - loaded)) -ge $((pages * 97 / 100))

tell high_watermark 90
tell low_watermark 80
echo $((64 * mib)) >$class/ram_limit
placed "all kinds, rewritten" --mix same=30,compressible=40,random=30 --rounds 2 --hold-after 2
share raw_slots -ge 20
share raw_slots -le 40
share ram_slots -ge 55
share same_filled_slots -ge 20
released

step "no memory at all"
echo 0 >$class/ram_limit
placed "compressible pages: the disk" --mix compressible
share disk_slots -ge 97
expect "bytes in the pool" "$(value pool_bytes)" 0
released
placed "same-filled pages: the entry" --mix same
share same_filled_slots -ge 80
share ram_slots -le 1
released
expect "failed stores" "$(value failed_stores)" 0

step "two disks by their priority"
remove /dev/pmem0
small=$(scaled 24)
[ "$small" -ge $least ] || small=$least
slice upper /dev/pmem0 0 "$small"
add /dev/mapper/upper 10
add /dev/pmem1
hold --size $((small / 2)) --mix random --pageout
settled
holds "bytes on the upper disk" "$(tier /dev/mapper/upper used)" -ge $((small * mib * 45 / 100))
expect "bytes on the lower disk" "$(tier /dev/pmem1 used)" 0
pagecheck --size "$small" --mix random --pageout --seed 2 --hold /tmp/held-too &
other=$!
held /tmp/held-too
settled
# At most a cluster of it is left for each CPU.
holds "bytes on the upper disk" "$(tier /dev/mapper/upper used)" -ge $(($(tier /dev/mapper/upper size) - 2 * $(nproc) * 2 * mib))
holds "bytes on the lower disk" "$(tier /dev/pmem1 used)" -gt 0
expect "failed stores" "$(value failed_stores)" 0
rm /tmp/held-too
finished $other
released

step "everything is full"
remove /dev/pmem1
lower=$(scaled 8)
[ "$lower" -ge $least ] || lower=$least
slice lower /dev/pmem1 0 "$lower"
add /dev/mapper/lower
echo $(($(scaled 4) * mib)) >$class/ram_limit
for mix in random same=20,compressible=40,random=40; do
    failed=$(value failed_stores)
    hold --size $((4 * small)) --mix $mix --pageout --rounds 1
    holds "failed stores of $mix" "$(value failed_stores)" -gt "$failed"
    settled
    released
done

step "disks are full, without memory, and pages take each other's offsets"
echo 0 >$class/ram_limit
for seed in 1 2; do
    failed=$(value failed_stores)
    hold --size $((3 * small)) --mix random --pageout --rounds 1 --seed $seed
    holds "failed stores" "$(value failed_stores)" -gt "$failed"
    settled
    released
done
remove /dev/mapper/upper
remove /dev/mapper/lower
dmsetup remove upper
dmsetup remove lower
stop
