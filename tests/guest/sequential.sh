# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# What is swapped out in order is written to a disk in large pieces.
# memory: 384
# disks: 448,448
# shellcheck source=tests/guest/disks.sh
. /tests/disks.sh

kinds=anon
! huge_pages || kinds="$kinds thp"
echo 1 >/proc/sys/vm/compact_memory
load size_mib=1024 ram_limit_mib=0
# Where writes are merged: on a disk that does not present itself as memory.
make_disk disk /dev/pmem0
add /dev/mapper/disk
swapon "$device"
for memory in $kinds; do
    for mix in random compressible; do
        step "$mix, $memory"
        written=$(value disk_write_bytes) large=$(value disk_large_write_bytes)
        hold_out --size "$(scaled 64)" --mix $mix --memory "$memory" --pageout
        settled
        written=$(($(value disk_write_bytes) - written)) large=$(($(value disk_large_write_bytes) - large))
        holds "bytes written" $written -ge $(($(scaled 64) * mib * 97 / 100))
        step "$((large * 100 / written)) % in pieces of 64 KiB or more"
        holds "percent in large pieces" $((large * 100 / written)) -ge 90
        loaded=$(value disk_loads)
        release
        holds "pages read" $(($(value disk_loads) - loaded)) -ge $(($(scaled 64) * per_mib * 97 / 100))
    done
done
remove /dev/mapper/disk
stop
dmsetup remove disk
