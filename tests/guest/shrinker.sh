# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# When the machine has little memory, cold pages go from memory to the disk although the device's own
# limit is far away.
# memory: 384
# disks: 448,448
# shellcheck source=tests/guest/disks.sh
. /tests/disks.sh

load size_mib=2048 ram_limit_mib=192
add /dev/pmem0
swapon "$device"

step "cold pages, in memory"
cold=$(scaled 96)
hold --size "$cold" --mix compressible=80,random=20 --pageout
settled
holds "slots in memory" "$(value ram_slots)" -ge $((cold * per_mib * 97 / 100))
expect "pages written back" "$(value written_back_pages)" 0

step "memory gets short"
size=$(($(available 100) + $(scaled 48)))
# Only a part of the pool is asked for in a second, and the length of a round depends on the machine.
rounds=0
while [ "$(value written_back_pages)" -lt 128 ] && [ $((rounds += 1)) -le 40 ]; do
    pagecheck --size "$size" --mix same=20,compressible=80 || fail "pagecheck ended with status $?"
done
settled
step "$rounds rounds, $(value written_back_pages) pages written back; the pool takes $(value pool_bytes)"
holds "pages written back" "$(value written_back_pages)" -ge 128
expect "failed stores" "$(value failed_stores)" 0

step "the daily limit is spent"
tell writeback_limit 4K
written=$(value disk_write_bytes)
pagecheck --size "$size" --mix same=20,compressible=80 || fail "pagecheck ended with status $?"
holds "bytes written" "$(value disk_write_bytes)" -le $((written + page))
release
remove /dev/pmem0
stop
