# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# What a slot costs: less than a byte for pages that lie on a disk at their own offsets,
# 8 bytes for others, and half a byte more for those that are packed.
# memory: 384
# disks: 448,448
# protected: no
# shellcheck source=tests/guest/disks.sh
. /tests/disks.sh

load size_mib=2048 ram_limit_mib=0
slice disk /dev/pmem0 0 448
add /dev/mapper/disk
swapon "$device"

size=$(scaled 400)
step "$((size * per_mib)) pages in order"
hold_out --size "$size" --mix random --pageout
# More comes back than the guest has memory for.
echo 64M >$group/memory.max
settled
slots=$(value disk_slots)
holds "slots on the disk" "$slots" -ge $((size * per_mib * 97 / 100))
expect "failed stores" "$(value failed_stores)" 0
step "$(value metadata_bytes) bytes for $slots slots, $(value whole_clusters) of $(value clusters) clusters whole"
# With fewer slots, the disk's fixed part is too large a share; with PREEMPT_RT locks are larger.
least=50000
case $(uname -v) in
*PREEMPT_RT*) least=60000 ;;
esac
[ "$slots" -ge $least ] || slots=$least
holds "bytes of metadata for so many slots" "$(value metadata_bytes)" -lt "$slots"
release
expect_empty

# Rewritten pages keep their clusters whole.
size=$(scaled 64)
step "pages in order, all of them rewritten"
hold_out --size "$size" --mix random --rounds 2 --rewrite 100 --discard 0 --hold-after 2 --pageout
settled
step "$(value whole_clusters) of $(value clusters) clusters whole"
holds "clusters that are whole" "$(value whole_clusters)" -ge $(($(value clusters) * 9 / 10))
release
expect_empty

# tables: at most 8 bytes a slot, except for clusters that are not full.
tables() {
    holds "bytes of tables" "$(value table_bytes)" -le $((8 * $(value used_slots) + 2 * $(nproc) * 4096))
}

size=$(scaled 64)
step "pages of several kinds"
hold_out --size "$size" --mix random=80,same=20 --pageout
settled
tables
holds "clusters that need a table" "$(value clusters)" -gt "$(value whole_clusters)"
release
expect_empty

step "pages in order, a quarter of them replaced"
hold_out --size "$size" --mix random=70,same=30 --rounds 1 --rewrite 15 --discard 10 --hold-after 1 --pageout
settled
# Only clusters that need a table have one.
tables_fit() { [ "$(value table_bytes)" = $((4096 * ($(value clusters) - $(value whole_clusters)))) ]; }
eventually tables_fit || fail "$(value table_bytes) bytes of tables for $(value clusters) clusters, $(value whole_clusters) whole"
release
expect_empty

step "packed pages"
tell ram_limit 128M
empty=$(value metadata_bytes)
size=$(scaled 128)
hold --size "$size" --mix compressible --pageout
tell writeback all
settled
packed=$(value packed_slots)
holds "packed pages" "$packed" -ge $((size * per_mib * 97 / 100))
# Includes the disk's fixed part for the segments in use.
took=$(($(value metadata_bytes) - empty + $(segment_bytes) * 136 / (2 * mib)))
step "$took bytes for $packed packed pages"
# 8.5 each, except for clusters that are not full.
holds "bytes of metadata" "$took" -le $((packed * 85 / 10 + 2 * $(nproc) * 4096))
release
remove /dev/mapper/disk
stop
dmsetup remove disk
