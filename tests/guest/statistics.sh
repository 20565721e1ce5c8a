# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# The statistics agree with each other and with what was swapped out.
# memory: 256
# shellcheck source=tests/guest/lib.sh
. /tests/lib.sh

# percent PART WHOLE
percent() { echo $(($1 * 100 / $2)); }

# filled MIX: that many pages of that kind are swapped out, and the figures read into variables.
pages=$(($(scaled 24) * per_mib))
filled() {
    step "$1"
    hold --size $((pages / per_mib)) --mix "$1" --pageout
    for name in $levels metadata_bytes failed_stores lookups mru_hits; do
        eval "$name=$(value "$name")"
    done
    # shellcheck disable=SC2154 # assigned above
    expect "used_slots" "$used_slots" $((same_filled_slots + ram_slots + disk_slots + lost_slots))
    holds "used slots" "$used_slots" -ge $((pages * 92 / 100))
    holds "used slots" "$used_slots" -le $((pages + 512))
    # shellcheck disable=SC2154
    holds "raw slots" "$raw_slots" -le "$ram_slots"
    # shellcheck disable=SC2154
    holds "clusters" "$clusters" -ge $((used_slots / 512))
    # All but a few clusters are full: a CPU fills one after the other.
    holds "clusters" "$clusters" -le $((used_slots / 512 + 2 * $(nproc)))
    # Only pages on disks need no table.
    # shellcheck disable=SC2154
    expect "clusters that need no table" "$whole_clusters" 0
    # shellcheck disable=SC2154
    expect "bytes of tables" "$table_bytes" $((clusters * 4096))
    # A cluster's object is larger in a kernel with lock debugging.
    # shellcheck disable=SC2154
    holds "bytes of clusters" "$metadata_bytes" -gt "$table_bytes"
    holds "bytes of clusters" "$metadata_bytes" -le $((clusters * (4096 + 256)))
    # shellcheck disable=SC2154
    holds "MRU hits" "$mru_hits" -le "$lookups"
    # shellcheck disable=SC2154
    expect "failed stores" "$failed_stores" 0
}

released() {
    release
    expect_empty
}

start size_mib=1024
expect_empty
filled same
# A sixth of the pages repeat an arbitrary word, and most of those words don't fit in an entry:
# they are objects of 8 bytes.
# shellcheck disable=SC2154
holds "share of same-filled slots" "$(percent "$same_filled_slots" "$used_slots")" -ge 80
# shellcheck disable=SC2154
expect "bytes of objects" "$compressed_bytes" $((ram_slots * 8))
# shellcheck disable=SC2154
holds "bytes in the pool" "$pool_bytes" -le $((1 << 20))
released
filled compressible
holds "share of slots in memory" "$(percent "$ram_slots" "$used_slots")" -ge 99
holds "share of raw slots" "$(percent "$raw_slots" "$used_slots")" -le 1
# shellcheck disable=SC2154
holds "compressed size in percent" "$(percent "$compressed_bytes" $((ram_slots * page)))" -le 45
holds "compressed size in percent" "$(percent "$compressed_bytes" $((ram_slots * page)))" -ge 20
holds "bytes in the pool" "$pool_bytes" -ge "$compressed_bytes"
holds "pool over compressed size in percent" "$(percent "$pool_bytes" "$compressed_bytes")" -le 130
released
filled random
holds "share of raw slots" "$(percent "$raw_slots" "$used_slots")" -ge 99
holds "bytes in the pool" "$pool_bytes" -ge $((raw_slots * page))
released
filled same=50,compressible=50
holds "share of same-filled slots" "$(percent "$same_filled_slots" "$used_slots")" -ge 35
holds "share of same-filled slots" "$(percent "$same_filled_slots" "$used_slots")" -le 60
released
stop
