# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# Loading and unloading, with good and with impossible parameters.
# memory: 256
# shellcheck source=tests/guest/lib.sh
. /tests/lib.sh

# impossible PARAMETER...: insmod fails with EINVAL, and the kernel's log says why.
impossible() {
    step "impossible: $*"
    dmesg -c >/dev/null
    refused "Invalid argument" insmod /vswap.ko "$@"
    [ ! -e /sys/module/vswap ] || fail "the module is loaded"
    # busybox tries twice. The kernel's own line about an out-of-tree module comes
    # before the first.
    reasons=$(dmesg | sed -n 's/^.*\] vswap: //p' | grep -v taint | sort -u)
    step "$reasons"
    expect "number of lines that say why" "$(echo "$reasons" | grep -c .)" 1
}

impossible size_mib=0
impossible size_mib=$((4096 * page))
impossible size_mib=18446744073709551615
impossible size_mib=many
impossible size_mib=-2
impossible ram_limit_mib=$(($(meminfo MemTotal) / 1024 + 1))
impossible ram_limit_mib=-2
impossible ram_limit_mib=much

for parameters in "" "size_mib=1" "size_mib=$((4096 * page - 1))" "size_mib=1024 ram_limit_mib=64"; do
    step "possible: $parameters"
    # shellcheck disable=SC2086 # several words
    load $parameters
    expect "mode of the node" "$(stat -c %a "$device")" 600
    unload
    [ ! -e "$device" ] || fail "the node is still there"
done

load size_mib=1024 ram_limit_mib=64
expect size "$(cat $class/size)" $((1024 << 20))
expect ram_limit "$(cat $class/ram_limit)" $((64 << 20))
unload

# cost PARAMETER: how much less free memory there is with the module loaded, in KiB.
cost() {
    sync
    echo 3 >/proc/sys/vm/drop_caches
    sleep 0.3
    before=$(meminfo MemFree)
    load "$1"
    sleep 0.3
    echo $((before - $(meminfo MemFree)))
    unload
}

step "1 TiB does not cost more than 1 GiB"
cost size_mib=1048576 >/dev/null
least=1000000
# Other allocations vary as well, so the least of some differences counts.
for _ in 1 2 3 4; do
    small=$(cost size_mib=1024)
    large=$(cost size_mib=1048576)
    [ $((large - small)) -ge $least ] || least=$((large - small))
done
holds "KiB that 1 TiB costs more" $least -lt 1024

step "what the swap core keeps for unused slots"
# kept MIB: KiB of the kernel's memory that a swap area of that size takes.
kept() {
    load "size_mib=$1"
    before=$(meminfo VmallocUsed)
    swapon "$device"
    echo $(($(meminfo VmallocUsed) - before))
    swapoff "$device"
    unload
}
kept 1048576 >/dev/null
small=$(kept 1024) large=$(kept 1048576)
echo "result: swapped on, an area of 1 GiB takes $small KiB, of 1 TiB $large KiB: $(((large - small) * 1024 / 268173)) bytes for 1000 slots"
# Debugging makes its locks larger; PREEMPT_RT as well, and its clusters, without huge pages, smaller.
case $(uname -rv) in
*-vswap-debug*) most=1000 ;;
*PREEMPT_RT*) most=350 ;;
*) most=150 ;;
esac
holds "bytes for 1000 slots" $(((large - small) * 1024 / 268173)) -le $most
default=$(($(meminfo MemTotal) * 1024 * 16))
load
# The kernel has a little more RAM than this says.
holds "size by default" "$(cat $class/size)" -ge "$default"
holds "size by default" "$(cat $class/size)" -le $((default + default / 8))
unload
