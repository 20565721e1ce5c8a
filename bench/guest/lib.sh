# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# Common functions of the benchmarks in the guest. To be sourced.
# shellcheck source=tests/guest/lib.sh
. /tests/lib.sh
# shellcheck source=bench/guest/peers.sh
. /bench/peers.sh
# shellcheck source=bench/guest/workloads.sh
. /bench/workloads.sh

peer='' doing=setup
trap '[ $? = 0 ] || echo "  failed: $doing${peer:+ of $peer}"' EXIT

for module in libnvdimm nd_btt nd_pmem nd_e820; do
    modprobe $module || fail "there is no $module"
done
eventually test -b "$disk" || fail "there is no $disk"

# describe: the guest, as a line of JSON.
describe() {
    printf '{"kernel":"%s","cpus":%d,"memory_mib":%d,"device_mib":%d}\n' \
        "$(uname -r)" "$(nproc)" $(($(meminfo MemTotal) / 1024)) "$size"
}

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

# function_of PREFIX NAME: the name of its function.
function_of() { echo "$1_$2" | tr - _; }

# up: sets up $peer; down: undoes it.
up() {
    doing=setup stat=
    "$(echo "$peer" | tr - _)_up"
}
down() {
    doing=removal
    "$(echo "$peer" | tr - _)_down"
}

# slow_disk DISK: /dev/mapper/slow is that disk, with 1 ms for each request as the device mapper
# counts: a request waits for the next tick of the kernel, of which there are 250 a second.
slow_disk() {
    modprobe dm-delay
    DM_DISABLE_UDEV=1 dmsetup create slow --table "0 $(blockdev --getsz "$1") delay $1 0 1"
}
