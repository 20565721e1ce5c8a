# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# What is measured of each peer. A workload NAME is a function named run_NAME, with "-" as
# "_"; $mib is the size that was asked for. To be sourced.
#
# All but the last two have the kernel write out exactly their own memory with MADV_PAGEOUT.
# The last two go beyond the limit of a memory cgroup, so that reclaim chooses the pages; that
# is closer to real pressure, and varies more.

quick_workloads='same compressible random mixed mixed-random-order mixed-2-processes swapoff memhog churn'
# shellcheck disable=SC2034 # used by bench.sh
full_workloads="$quick_workloads compressible-random-order random-random-order mixed-4-processes thp"

mixed=same=40,compressible=50,random=10

# bench SUBCOMMAND OPTION...: measures for the peer, round and workload that are on, in a
# memory cgroup of $limit MiB if that is set.
# shellcheck disable=SC2154 # set by bench.sh
bench() {
    bench_what=$1
    shift
    set -- swapbench "$bench_what" --peer "$peer" --round "$round" --workload "$workload" "$@"
    if [ -n "${limit:-}" ]; then
        limited "$limit" "$@"
    else
        "$@"
    fi
}

# phases PROCESSES MIX [OPTION...]: the size is all processes' together.
phases() {
    phases_processes=$1 phases_mix=$2
    shift 2
    # shellcheck disable=SC2154 # set by bench.sh
    bench phases --processes "$phases_processes" -- \
        --size $((mib / phases_processes)) --mix "$phases_mix" "$@"
}

run_same() { phases 1 same; }
run_compressible() { phases 1 compressible; }
run_random() { phases 1 random; }
run_mixed() { phases 1 $mixed; }
run_compressible_random_order() { phases 1 compressible --order random; }
run_random_random_order() { phases 1 random --order random; }
run_mixed_random_order() { phases 1 $mixed --order random; }
run_mixed_2_processes() { phases 2 $mixed; }
run_mixed_4_processes() { phases 4 $mixed; }
# Pages of 2 MiB, written out whole where the device takes them.
run_thp() { phases 1 $mixed --memory thp; }

run_swapoff() {
    # shellcheck disable=SC2154 # set by the peer
    phases 1 $mixed --swapoff "$device"
    swapon "$device"
}

# numactl's memhog, which fills all pages with 0xff, with twice the limit.
run_memhog() {
    limit=$mib
    bench command --pages $((mib * 512)) -- memhog -r1 $((mib * 2))M
    limit=
}

# Random accesses, with half of the memory. zswap's own memory counts against the limit, the
# other peers' does not.
run_churn() {
    limit=$mib
    bench churn --size $((mib * 2)) --mix compressible=80,random=20 --accesses $((mib * 256))
    limit=
}
