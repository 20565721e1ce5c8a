# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# Packed pages that are protected, on a disk with bad places, and on one that can't be read any more.
# memory: 384
# disks: 448,448
# allowed: Read-error on swap-device
# shellcheck source=tests/guest/disks.sh
. /tests/disks.sh

load size_mib=2048 ram_limit_mib=128
make_disk disk /dev/pmem0
swapon "$device"
mib_held=$(scaled 24)
pages=$((mib_held * per_mib))
least=$((pages * 97 / 100))

step "encrypted, and compared with tags"
tell tier_add "/dev/mapper/disk encrypt integrity"
hold --size "$mib_held" --mix compressible --pageout
tell writeback all
settled
holds "packed pages" "$(value packed_slots)" -ge $least
release
expect "corrupt pages" "$(tier /dev/mapper/disk corrupt)" 0
settled

step "a page that changed on the disk is an error, and no other"
pagecheck --may-lose --hold /tmp/held --size "$mib_held" --mix compressible --pageout >/tmp/held-says &
pid=$!
held /tmp/held
tell writeback all
settled
# Some slots of each of the first clusters, some of which are in use.
for cluster in $(seq 0 19); do
    for slot in 8 40 200; do
        dd if=/dev/urandom of=/dev/pmem0 bs=$page seek=$((cluster * 512 + slot)) count=1 conv=notrunc,fsync 2>/dev/null
    done
done
release_some
holds "pages lost" "$lost" -ge 1
holds "pages lost" "$lost" -le $((60 * 12))
holds "corrupt pages" "$(tier /dev/mapper/disk corrupt)" -ge 1
remove /dev/mapper/disk

step "bad places"
worn /dev/pmem0 2 1 | replace_table disk
add /dev/mapper/disk
hold --size "$mib_held" --mix compressible --pageout
# Pages that could not be written stay in memory, and go elsewhere the next time.
for _ in 1 2 3 4 5 6 7 8; do
    tell writeback all
done
settled
step "$(value packed_slots) of $pages pages are packed, $(tier /dev/mapper/disk bad) bytes are bad"
holds "packed pages" "$(value packed_slots)" -ge $least
release
settled
eventually tier_is /dev/mapper/disk segment_bytes 0 || fail "segments are in use: $(cat $class/tiers)"
holds "bytes that are bad" "$(tier /dev/mapper/disk bad)" -gt 0
expect "bytes in use" "$(tier /dev/mapper/disk used)" 0

step "it can't be read any more"
turn disk /dev/pmem0 healthy
pagecheck --may-lose --hold /tmp/held --size "$mib_held" --mix compressible --pageout >/tmp/held-says &
pid=$!
held /tmp/held
tell writeback all
settled
turn disk /dev/pmem0 no-reads
refused "Input/output error" sh -c "echo /dev/mapper/disk >$class/tier_remove"
remove /dev/mapper/disk force
release_some
holds "pages lost" "$lost" -ge $least

step "a disk is removed while pages that were sent together with its own are stuck"
turn disk /dev/pmem0 healthy
make_disk quiet /dev/pmem1
add /dev/mapper/disk 5
add /dev/mapper/quiet 5
hold --size "$mib_held" --mix compressible --pageout
dmsetup suspend --nolockfs --noflush quiet
tell writeback all
within 60 tier_is /dev/mapper/quiet state stuck || fail "it is not stuck: $(cat $class/tiers)"
step "$(cat $class/tiers)"
holds "bytes used on the other one" "$(tier /dev/mapper/disk used)" -gt 0
holds "bytes used on the stuck one" "$(tier /dev/mapper/quiet used)" -gt 0
remove /dev/mapper/disk
dmsetup resume quiet
within 60 tier_is /dev/mapper/quiet state active || fail "it does not come back: $(cat $class/tiers)"
settled
release
settled
remove /dev/mapper/quiet

step "writes that fail do not use up the daily limit, and are tried again"
add /dev/mapper/disk
echo $((64 * mib)) >$class/ram_limit
hold --size "$mib_held" --mix compressible --pageout
turn disk /dev/pmem0 no-writes
tell writeback_limit $mib
tell low_watermark 1
# From here on nothing is stored.
tell high_watermark 2
some_failed() { [ "$(tier /dev/mapper/disk errors)" -gt 0 ]; }
within 60 some_failed || fail "nothing fails: $(cat $class/tiers)"
turn disk /dev/pmem0 healthy
# Half of the limit, at least: a chunk takes what it needs before it is full.
some_written() { [ "$(tier /dev/mapper/disk segment_bytes)" -ge $((mib / 2)) ]; }
within 60 some_written || fail "nothing is written: $(cat $class/tiers $class/stat)"
release

stop
dmsetup remove disk quiet
