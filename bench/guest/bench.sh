# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# bench.sh quick|full MIB ROUNDS [PEERS [WORKLOADS]]: in each round every peer runs every
# workload, the peers in an order that rotates. Prints a line of JSON for the guest and one
# for each run; other lines are progress. Ends at the first failure.
# shellcheck source=tests/guest/lib.sh
. /tests/lib.sh
# shellcheck source=bench/guest/peers.sh
. /bench/peers.sh
# shellcheck source=bench/guest/workloads.sh
. /bench/workloads.sh

peer='' doing=setup
trap '[ $? = 0 ] || echo "  failed: $doing${peer:+ of $peer}"' EXIT
form=$1 mib=$2 rounds=$3
peers=${4:-$all_peers}
workloads=${5:-}
[ -n "$workloads" ] || if [ "$form" = full ]; then workloads=$full_workloads; else workloads=$quick_workloads; fi

for module in libnvdimm nd_btt nd_pmem nd_e820; do
    modprobe $module || fail "there is no $module"
done
eventually test -b /dev/pmem0 || fail "there is no /dev/pmem0"

printf '{"kernel":"%s","cpus":%d,"memory_mib":%d,"device_mib":%d}\n' \
    "$(uname -r)" "$(nproc)" $(($(meminfo MemTotal) / 1024)) "$size"

# rotated N WORD...: the words, beginning with the Nth.
rotated() {
    rotated_by=$1
    shift
    for _ in $(seq "$rotated_by"); do
        rotated_first=$1
        shift
        set -- "$@" "$rotated_first"
    done
    echo "$@"
}

count=$(echo "$peers" | wc -w)
for round in $(seq 0 "$rounds"); do
    # shellcheck disable=SC2086 # a word a peer
    for peer in $(rotated $((round % count)) $peers); do
        step "round $round of $rounds: $peer"
        doing=setup
        "${peer}_up"
        for workload in $workloads; do
            doing=$workload
            "run_$(echo "$workload" | tr - _)"
        done
        doing=removal
        "${peer}_down"
    done
done
