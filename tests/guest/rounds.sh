# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# Loading, swapping, unloading again and again does not use up memory.
# memory: 256
# shellcheck source=tests/guest/lib.sh
. /tests/lib.sh

round() {
    start size_mib=1024
    swapped "$(scaled 3000)" pagecheck --size "$(scaled 16)" --pageout --seed "$1" --threads 2
    stop
}

# free: KiB of free memory, including the CPUs' own lists, which vary by some
# thousand each time.
free() {
    sync
    echo 3 >/proc/sys/vm/drop_caches
    echo 1 >/proc/sys/vm/compact_memory
    sleep 1
    awk '$1 == "nr_free_pages" || $1 == "count:" { pages += $2 } END { print pages * 4 }' /proc/zoneinfo
}

# KASAN holds freed memory back for a while, up to a 32nd of all.
allowed=1024
[ ! -e /sys/kernel/debug/kmemleak ] || allowed=$(($(meminfo MemTotal) / 32))
round 0
first=$(free)
for number in $(seq "${ROUNDS:-3}"); do
    round "$number"
    step "round $number: $(free) KiB free, at first $first"
done
last=$(free)
step "$last KiB free in the end, $((first - last)) less than at first"
holds "KiB lost" $((first - last)) -le "$allowed"
