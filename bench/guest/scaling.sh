# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# scaling.sh THEME MIB ROUNDS: a workload repeated for different sizes of something. Prints
# the same as bench.sh. Ends at the first failure.
# shellcheck source=bench/guest/lib.sh
. /bench/lib.sh

theme=$1 mib=$2 rounds=$3
each=$mib
# shellcheck disable=SC2034 # used by the workloads
workload=$theme

# measured PEER AT [PROCESSES]: one of them, set up and taken down.
measured() {
    peer=$1 at=$2
    up
    doing=$theme
    swap_all "${3:-1}"
    down
}

# swap_all PROCESSES: pages for a disk are incompressible.
swap_all() {
    case $peer in
    vswap-disk) phases "$1" random ;;
    *) phases "$1" compressible ;;
    esac
}

# The first one alone is enough to warm up.
each_of() { if [ "$round" = 0 ]; then echo "$1"; else echo "$@"; fi; }

in_virtual_size() {
    for at in $(each_of 1 64 1024 8192); do
        size=$((at * 1024))
        for peer in vswap vswap-disk; do
            measured "$peer" "$at"
        done
    done
}

# Another process has that many MiB swapped out.
in_slots_in_use() {
    for at in $(each_of 0 8 32 128); do
        for peer in zram vswap vswap-disk; do
            up
            doing=filling
            [ "$at" = 0 ] || others "$at"
            doing=$theme
            swap_all 1
            [ "$at" = 0 ] || killed "$other"
            down
        done
    done
}

# others MIB: a process, as $other, that has written out its memory and waits to be killed.
others() {
    mkfifo /tmp/begin
    swapbench worker --size "$1" --mix compressible --seed 99 --killed </tmp/begin >/tmp/said 2>/dev/null &
    other=$!
    exec 3>/tmp/begin
    rm /tmp/begin
    echo >&3
    within 600 grep -q Waiting /tmp/said || fail "$1 MiB were not written out"
}

killed() {
    kill "$1"
    wait "$1" 2>/dev/null || true
}

in_cpus() {
    mib=$((each * $(nproc)))
    for peer in $(rotated $((round % 4)) plain zram vswap vswap-disk); do
        measured "$peer" "$(nproc)" "$(nproc)"
    done
}

in_tiers() {
    # With as many disks as there are, and none.
    # shellcheck disable=SC2317 # called by name
    vswap_up() { vswap_pmem_up; }
    # shellcheck disable=SC2317
    vswap_down() { vswap_pmem_down; }
    for at in 0 1 2 4; do
        disks=
        for number in $(seq $at); do
            disks="$disks /dev/pmem$((number - 1))"
        done
        for peer in vswap ${disks:+vswap-disk}; do
            measured "$peer" "$at"
        done
    done
}

describe
for round in $(seq 0 "$rounds"); do
    step "$theme: round $round of $rounds"
    "$(function_of in "$theme")"
done
