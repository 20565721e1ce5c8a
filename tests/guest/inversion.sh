# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# Pages in use come back from memory, and the disk has the others. With zram
# and a disk behind it, the way swap works without this module, that is not so.
# memory: 384
# disks: 448,448
# shellcheck source=tests/guest/disks.sh
. /tests/disks.sh

# Full size on every kernel: with fewer clusters no coldest one stands out.
hot=16 cold=64 slice=8
# The hot pages fit into it, compressed.
limit=12

# from COUNTERS [OPTION...]: the percentage of hot pages that came back from memory, when not all of them
# fit into the program's memory.
from() {
    from_counters=$1
    shift
    limited 12 hotcold --hot "$hot" --cold "$cold" --slice "$slice" --from "$from_counters" "$@" >/tmp/hotcold ||
        fail "hotcold ended with status $?"
    echo "result: hot set, $from_counters $*: $(sed 's/^hotcold: //' /tmp/hotcold)"
    percent=$(sed -n 's/.*: \([0-9]*\) %$/\1/p' /tmp/hotcold)
    counted=$(sed -n 's/^hotcold: \([0-9]*\) pages from memory, \([0-9]*\) from.*/\1 + \2/p' /tmp/hotcold)
    holds "hot pages that came back" $((counted)) -ge $((hot * per_mib))
}

load size_mib=1024 ram_limit_mib="$limit"
add /dev/pmem0
swapon "$device"
from vswap
holds "percent of hot pages from memory" "$percent" -ge 90
holds "pages on the disk at some time" "$(value written_back_pages)" -gt 0
expect "failed stores" "$(value failed_stores)" 0

step "incompressible hot pages"
# With as much memory to keep them in as for the others. They are written back a generation
# earlier than others of their age, as each takes the memory of three; if they were not kept at all,
# none of them would come from memory.
hot=8
echo $((20 * mib)) >$class/ram_limit
from vswap --hot-mix random
holds "percent of hot pages from memory" "$percent" -ge 40
expect "failed stores" "$(value failed_stores)" 0
remove /dev/pmem0
stop
hot=16

# The comparison takes as long as everything before it.
[ "${VSWAP_TEST_DIVISOR:-1}" = 1 ] || exit 0
modprobe zram
# Persistent memory counts nothing by default.
echo 1 >/sys/block/pmem0/queue/iostats
# As many pages as fit into as much memory, at 3:1.
echo $((3 * limit))M >/sys/block/zram0/disksize
echo "${limit}M" >/sys/block/zram0/mem_limit
mkswap /dev/zram0 >/dev/null
mkswap /dev/pmem0 >/dev/null
swapon --priority 100 /dev/zram0
swapon --priority 10 /dev/pmem0
from zram0,pmem0
holds "percent of hot pages from memory, with zram" "$percent" -lt 90
swapoff /dev/zram0
swapoff /dev/pmem0
rmmod zram
