# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# The workloads of each peer. A workload NAME is a function named run_NAME, with "-" as
# "_"; $mib is the requested size. To be sourced.
#
# Most have the kernel write out exactly their own memory with MADV_PAGEOUT. memhog, churn and
# compile go beyond the limit of a memory cgroup, so that reclaim chooses the pages; that is
# closer to real pressure, and varies more.

quick_workloads='same compressible random mixed mixed-random-order compressible-8-processes swapoff exit memhog'
# shellcheck disable=SC2034 # used by bench.sh
full_workloads="$quick_workloads same-8-processes random-8-processes mixed-8-processes memhog-8-processes
    compressible-random-order random-random-order spill thp churn compile"

mixed=same=40,compressible=50,random=10

# bench SUBCOMMAND OPTION...: measures for the current peer, round and workload, in a
# memory cgroup of $limit MiB if that is set, repeated for $at if that is.
# shellcheck disable=SC2154 # set by bench.sh
bench() {
    bench_what=$1
    shift
    set -- swapbench "$bench_what" --peer "$peer" --round "$round" --workload "$workload" ${at:+--at "$at"} "$@"
    if [ -n "${limit:-}" ]; then
        limited "$limit" "$@"
    else
        "$@"
    fi
}

# phases PROCESSES MIX [OPTION...]: the size is that of all processes together, but at least 2 each,
# as a CPU's lists keep some pages back.
phases() {
    phases_processes=$1 phases_mix=$2
    shift 2
    # shellcheck disable=SC2154 # set by bench.sh
    phases_size=$((mib / phases_processes))
    [ $phases_size -ge 2 ] || phases_size=2
    bench phases --processes "$phases_processes" ${stat:+--stat "$stat"} -- \
        --size $phases_size --mix "$phases_mix" "$@"
}

run_same() { phases 1 same; }
run_compressible() { phases 1 compressible; }
run_random() { phases 1 random; }
run_mixed() { phases 1 $mixed; }
run_compressible_random_order() { phases 1 compressible --order random; }
run_random_random_order() { phases 1 random --order random; }
run_mixed_random_order() { phases 1 $mixed --order random; }
run_same_8_processes() { phases 8 same; }
run_compressible_8_processes() { phases 8 compressible; }
run_random_8_processes() { phases 8 random; }
run_mixed_8_processes() { phases 8 $mixed; }
# Pages of 2 MiB, written out whole where the device takes them.
run_thp() { phases 1 $mixed --memory thp; }
# Killed with all of it swapped out.
run_exit() { phases 1 $mixed --killed; }

run_swapoff() {
    # shellcheck disable=SC2154 # set by the peer
    phases 1 $mixed --swapoff "$device"
    swapon "$device"
}

# For peers with a disk behind: with less memory than there is to store.
run_spill() {
    case $peer in
    zswap)
        # Percent of the memory, of which 1 is about 8 MiB.
        # shellcheck disable=SC2154 # set with the peers
        spill_to=$zswap/max_pool_percent spill_least=1
        ;;
    vswap-pmem) spill_to=/sys/class/vswap/vswap0/ram_limit spill_least=$((mib / 4))M ;;
    *) spill_to=/dev/null spill_least='' ;;
    esac
    spill_before=$(cat "$spill_to")
    echo "$spill_least" >"$spill_to"
    phases 1 random
    echo "$spill_before" >"$spill_to"
}

# numactl's memhog, which fills all pages with 0xff: one with twice the limit, or eight that
# exceed one even when they don't run at the same time.
run_memhog() { memhogs "$mib" 1 $((mib * 2)); }
run_memhog_8_processes() { memhogs 4 8 5; }
memhogs() {
    limit=$1
    bench command --processes "$2" --pages $(($2 * $3 * 256)) -- memhog -r1 "$3M"
    limit=
}

# Random accesses, with half of the memory. zswap's own memory counts against the limit, the
# other peers' does not.
run_churn() {
    limit=$mib
    bench churn --size $((mib * 2)) --mix compressible=80,random=20 --accesses $((mib * 256))
    limit=
}

# gcc's cc1, which needs 11 MiB of anonymous memory for this, with about half of that. Its output
# must be the same as with enough memory.
run_compile() {
    limit=6
    bench command --pages $((limit * 256)) -- cc1 -quiet -O0 -fpreprocessed /tmp/source.c -o /tmp/pressed.s
    limit=
    cmp /tmp/expected.s /tmp/pressed.s
    rm /tmp/pressed.s
}

# prepare WORKLOAD: once, before there is any peer.
prepare() {
    case $1 in
    compile)
        sh /bench/source.sh 80 >/tmp/source.c
        cc1 -quiet -O0 -fpreprocessed /tmp/source.c -o /tmp/expected.s
        ;;
    esac
}
