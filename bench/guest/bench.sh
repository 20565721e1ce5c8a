# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# bench.sh quick|full MIB ROUNDS [PEERS [WORKLOADS]]: in each round every peer runs every
# workload, the peers in rotating order. Prints a line of JSON for the guest and one
# for each run; other lines are progress. Ends at the first failure.
# shellcheck source=bench/guest/lib.sh
. /bench/lib.sh

form=$1 mib=$2 rounds=$3
peers=${4:-$all_peers}
workloads=${5:-}
[ -n "$workloads" ] || if [ "$form" = full ]; then workloads=$full_workloads; else workloads=$quick_workloads; fi

describe
for workload in $workloads; do
    prepare "$workload"
done

count=$(echo "$peers" | wc -w)
for round in $(seq 0 "$rounds"); do
    # shellcheck disable=SC2086 # a word a peer
    for peer in $(rotated $((round % count)) $peers); do
        step "round $round of $rounds: $peer"
        up
        for workload in $workloads; do
            doing=$workload
            "$(function_of run "$workload")"
        done
        down
    done
done
