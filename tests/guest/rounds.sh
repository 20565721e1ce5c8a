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
    sync
    echo 3 >/proc/sys/vm/drop_caches
    echo 1 >/proc/sys/vm/compact_memory
    sleep 0.5
}

round 0
first=$(meminfo MemFree)
for number in $(seq "${ROUNDS:-3}"); do
    round "$number"
    step "round $number: $(meminfo MemFree) KiB free, at first $first"
done
holds "KiB lost" $((first - $(meminfo MemFree))) -le 2048
