# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# When the memory that the device may use is full, pages stay where they are, and nothing
# is lost.
# memory: 256
# shellcheck source=tests/guest/lib.sh
. /tests/lib.sh

# fill MIB: that much random memory, held, with the number of its pages swapped out. When it is
# released, it is compared, rewritten and swapped out again.
fill() { hold --size "$1" --mix random --pageout --rounds 1 --threads 2; }

load size_mib=1024 ram_limit_mib=16
for nonsense in many -1 $(($(meminfo MemTotal) * 1024 + page)) "" 18446744073709551616; do
    refused "Invalid argument" sh -c "echo '$nonsense' >$class/ram_limit"
    expect ram_limit "$(cat $class/ram_limit)" $((16 * mib))
done
limit=$(($(scaled 8) * mib))
echo "$limit" >$class/ram_limit
swapon "$device"

step "random pages, three times as much as the limit"
sampled "$limit" fill "$(scaled 24)"
holds "failed stores" "$(value failed_stores)" -gt 0
holds "bytes in the pool at rest" "$(value pool_bytes)" -le "$limit"
# Nothing else takes memory now, so the pool is as full as it may be.
holds "bytes in the pool at rest" "$(value pool_bytes)" -gt $((limit - slack))
sampled "$limit" release
expect_empty

step "raised live"
echo $((4 * limit)) >$class/ram_limit
failed=$(value failed_stores)
sampled $((4 * limit)) fill "$(scaled 20)"
expect "stores that failed below the limit" "$(value failed_stores)" "$failed"
pool=$(value pool_bytes)
holds "bytes in the pool" "$pool" -gt "$limit"

step "lowered live, below what the pool has"
echo $((limit / 2)) >$class/ram_limit
expect ram_limit "$(cat $class/ram_limit)" $((limit / 2))
expect "bytes in the pool" "$(value pool_bytes)" "$pool"
sampled "$pool" release
holds "failed stores" "$(value failed_stores)" -gt "$failed"
expect_empty

echo 0 >$class/ram_limit
if huge_pages; then
    step "a huge page is stored whole or not at all"
    echo 1 >/proc/sys/vm/compact_memory
    small=$(vmstat thp_fault_fallback)
    hold --size 8 --memory thp --mix same=90,random=10 --pageout
    # Each has a page that can't be stored, unless it is not a huge page.
    expect "huge pages that the kernel did not have" $(($(vmstat thp_fault_fallback) - small)) 0
    expect "used slots" "$(value used_slots)" 0
    release
fi

step "same-filled pages at the limit need no room in it"
failed=$(value failed_stores)
fill 1
holds "failed stores" "$(value failed_stores)" -gt "$failed"
expect "bytes in the pool" "$(value pool_bytes)" 0
release
failed=$(value failed_stores)
# Not every word fits in an entry, so not all of them are stored.
swapped $(($(scaled 16) * 256 * 3 / 4)) pagecheck --size "$(scaled 16)" --mix same --pageout
same=$(($(value failed_stores) - failed))
holds "failed stores" $same -le $(($(scaled 16) * per_mib / 4))
stop
