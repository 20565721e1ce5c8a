# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# profile.sh MIB PEERS CONTENTS: every peer writes, reads and frees each of the contents, once
# to warm up and once for the plugin. Prints the kernel's functions as lines "function [PEER]
# ADDRESS NAME [MODULE]", those of modules for each peer, and a line of JSON for each run that
# the plugin counts, in their order.
# shellcheck source=tests/guest/lib.sh
. /tests/lib.sh
# shellcheck source=bench/guest/peers.sh
. /bench/peers.sh
# shellcheck source=bench/guest/workloads.sh
. /bench/workloads.sh

mib=$1 peers=$2 contents=$3

for module in libnvdimm nd_btt nd_pmem nd_e820; do
    modprobe $module || fail "there is no $module"
done
eventually test -b /dev/pmem0 || fail "there is no /dev/pmem0"

echo 0 >/proc/sys/kernel/kptr_restrict
step "the kernel's functions"
awk -v OFS=' ' 'tolower($2) ~ /[tw]/ && !$4 { print "function", $1, $3 }' /proc/kallsyms

# measure OPTION...: the contents, for the current peer and round.
measure() {
    for workload in $contents; do
        mix=$workload
        # shellcheck disable=SC2154 # set by workloads.sh
        [ "$workload" != mixed ] || mix=$mixed
        phases 1 "$mix" "$@"
    done
}

for peer in $peers; do
    step "$peer"
    "$(echo "$peer" | tr - _)_up"
    awk -v peer="$peer" 'tolower($2) ~ /[tw]/ && $4 { print "function", "[" peer "]", $1, $3, $4 }' /proc/kallsyms
    # shellcheck disable=SC2034 # used by workloads.sh
    round=0
    measure
    # shellcheck disable=SC2034
    round=1
    measure --mark
    "$(echo "$peer" | tr - _)_down"
done
