# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# writeback.sh MIB ROUNDS: how fast compressed pages are written back, to a disk that is memory and
# to a slow one, and how fast the same pages are decompressed: by zram, whose whole
# device one process reads around the page cache. That takes no page faults, and a page costs
# little besides its decompression.
# shellcheck source=bench/guest/lib.sh
. /bench/lib.sh

# shellcheck disable=SC2034 # used by lib.sh and the workloads
mib=$1 rounds=$2 workload=writeback
# All pages fit, uncompressed.
size=$((mib + 16))

# A process that fills memory, and waits with it swapped out.
fill() {
    pagecheck --size "$mib" --mix compressible --pageout --hold /tmp/held >/dev/null &
    pid=$!
    held /tmp/held
}
release() {
    rm /tmp/held
    finished "$pid"
}

measure_zram() {
    zram_up
    fill
    pages=$(awk '{ print $1 / 4096 }' "$stat")
    bench command --pages "$pages" -- dd if=/dev/zram0 of=/dev/null bs=1M iflag=direct
    release
    zram_down
}

# measure_vswap DISK
measure_vswap() {
    vswap_with "$1" size_mib=$size ram_limit_mib=$size
    fill
    pages=$(value ram_slots)
    bench command --pages "$pages" -- sh -c "echo all >$class/writeback"
    holds "pages left in memory" "$(value ram_slots)" -le $((pages / 100))
    release
    vswap_without "$1"
}
measure_vswap_pmem() { measure_vswap /dev/pmem0; }
measure_vswap_delay() { measure_vswap /dev/mapper/slow; }

describe
slow_disk /dev/pmem1
for round in $(seq 0 "$rounds"); do
    for peer in $(rotated $((round % 3)) zram vswap-pmem vswap-delay); do
        step "round $round of $rounds: $peer"
        doing=$workload
        "$(function_of measure "$peer")"
    done
done
