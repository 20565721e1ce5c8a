# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# latency.sh MIB SECONDS ROUNDS [PEERS [WORKLOADS]]: like bench.sh, for peers with a slow disk, in a
# guest with less memory than the MIB that are touched. All peers have
# the same share of the memory for compressed pages. The warm-up writes out, reads and frees 16 MiB.
# shellcheck source=bench/guest/lib.sh
. /bench/lib.sh

mib=$1 seconds=$2 rounds=$3
peers=${4:-plain zram-disk zram-writeback zswap vswap}
workloads=${5:-sequential skewed-15 skewed-30 overflow}

# Percent of the memory that compressed pages may take.
share=20
limit_bytes=$(($(meminfo MemTotal) * 1024 * share / 100))

slow_disk "$disk"
disk=/dev/mapper/slow
counter=dm-$(dmsetup info --columns --noheadings -o minor slow)
# All have slots for everything, and more.
size=$(($(blockdev --getsize64 $disk) / (1 << 20)))

zram=/sys/block/zram0

# zram_set DISKSIZE LIMIT: lz4, and that much of virtual size and of memory.
zram_set() {
    echo lz4 >$zram/comp_algorithm
    echo "$1" >$zram/disksize
    echo "$2" >$zram/mem_limit
    mkswap /dev/zram0 >/dev/null
    swapon --priority 100 /dev/zram0
}

# zram with a disk of lower priority, sized for the pages that fit when they shrink by $zram_ratio
# tenths: a store that zram refuses would not go to the disk.
zram_ratio=26
zram_disk_up() {
    modprobe zram
    zram_set $((limit_bytes * zram_ratio / 10)) "$limit_bytes"
    mkswap "$disk" >/dev/null
    swapon --priority 10 "$disk"
}
zram_disk_down() {
    swapoff /dev/zram0
    swapoff "$disk"
    rmmod zram
}

# zram with a backing device, and a loop that triggers writeback. The loop starts no program and
# is not swapped out, as it would wait for memory which only it can free.
zram_writeback_up() {
    modprobe zram
    echo "$disk" >$zram/backing_dev
    echo 1 >$zram/writeback_limit_enable
    # By default it waits for the disk after each 32 pages, and falls behind.
    echo 256 >$zram/writeback_batch_size
    # At its limit stores fail, and nothing gets ahead any more. So it has twice the memory, and the
    # loop keeps it at the share of the others.
    zram_set ${size}M $((limit_bytes * 2))
    mkdir -p /sys/fs/cgroup/writer
    echo 16M >/sys/fs/cgroup/writer/memory.min
    [ -e /tmp/pause ] || mkfifo /tmp/pause
    : >/tmp/writing
    zram_writer &
    writer=$!
    echo $writer >/sys/fs/cgroup/writer/cgroup.procs
}
zram_writeback_down() {
    rm /tmp/writing
    finished "$writer"
    step "zram used at most $(($(awk "{ print \$5 }" $zram/mm_stat) >> 20)) MiB, of $((limit_bytes >> 20)) that the others may"
    swapoff /dev/zram0
    rmmod zram
}

# Above the share: incompressible pages, then those not used for long, then for less long, then
# any; until a tenth is free. At each step at most a fifth of the share.
zram_writer() {
    while [ -e /tmp/writing ]; do
        if zram_above 100; then
            zram_write huge
            for age in 30 10 3 1 all; do
                zram_above 90 || break
                echo $age >$zram/idle
                zram_write idle
            done
        fi
        # Nobody writes to it.
        # shellcheck disable=SC3045 # busybox has it
        read -r -t 0.1 _ <>/tmp/pause || true
    done
}
zram_above() {
    read -r _ _ zram_used _ <$zram/mm_stat
    [ $((zram_used * 100)) -gt $((limit_bytes * $1)) ]
}
# The limit is in pages of 4096 bytes, of which three take as much memory as one does on the disk.
zram_write() {
    echo $((limit_bytes * 6 / 10 / 4096)) >$zram/writeback_limit
    # It can't when the limit is spent.
    echo "$1" >$zram/writeback 2>/dev/null || true
}

zswap_up() {
    echo lz4 >$zswap/compressor
    echo $share >$zswap/max_pool_percent
    echo 1 >$zswap/shrinker_enabled
    echo 1 >$zswap/enabled
    made "$disk"
}
zswap_down() {
    swapoff "$disk"
    echo 0 >$zswap/enabled
    echo 0 >$zswap/shrinker_enabled
}

vswap_up() { vswap_with "$disk" "size_mib=$size" "ram_limit_mib=$((limit_bytes / (1 << 20)))"; }
vswap_down() { vswap_without "$disk"; }
# Not compared unless asked for: without memory for compressed pages, and with a little that is only a
# buffer for pages on their way to the disk.
vswap_disk_up() { vswap_with "$disk" "size_mib=$size" ram_limit_mib=0; }
vswap_disk_down() { vswap_without "$disk"; }
vswap_buffer_up() { vswap_with "$disk" "size_mib=$size" ram_limit_mib=8; }
vswap_buffer_down() { vswap_without "$disk"; }

touch_pages() {
    touch_mix=$1
    shift
    bench touch --size "$mib" --mix "$touch_mix" --disk "$counter" "$@"
}
run_sequential() { touch_pages compressible; }
run_skewed_15() { touch_pages compressible --hot 15 --seconds "$seconds"; }
run_skewed_30() { touch_pages compressible --hot 30 --seconds "$seconds"; }
# Incompressible pages need a smaller zram, or it takes all memory; and they stop the loop that writes
# zram's pages back: a process needs memory for that which nobody can free meanwhile.
run_overflow() {
    case $peer in
    zram-disk)
        zram_disk_down
        zram_ratio=9
        zram_disk_up
        touch_pages random
        zram_ratio=26
        ;;
    zram-writeback) ;;
    *) touch_pages random ;;
    esac
}

describe
count=$(echo "$peers" | wc -w)
for round in $(seq 0 "$rounds"); do
    # shellcheck disable=SC2086 # a word a peer
    for peer in $(rotated $((round % count)) $peers); do
        up
        if [ "$round" = 0 ]; then
            step "warm-up: $peer"
            workload=warm-up
            (mib=16 && phases 1 compressible)
        else
            for workload in $workloads; do
                step "round $round of $rounds: $peer: $workload"
                doing=$workload
                "$(function_of run "$workload")"
            done
        fi
        down
    done
done
