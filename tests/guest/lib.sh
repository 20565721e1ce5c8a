# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# What the guest tests share. To be sourced.

set -eu

device=${VSWAP_TEST_DEVICE:-/dev/vswap0}
class=/sys/class/vswap/vswap0
group=/sys/fs/cgroup/test

# busybox's shell would take its own swapon and swapoff.
swapon() { /usr/sbin/swapon "$@"; }
swapoff() { /usr/sbin/swapoff "$@"; }

# step WHAT: what begins now, with the seconds since boot.
step() { echo "  - [$(cut -d" " -f1 /proc/uptime)] $*"; }

fail() {
    echo "  failed: $*"
    exit 1
}

# expect WHAT GOT EXPECTED
expect() { [ "$2" = "$3" ] || fail "$1 is '$2', expected '$3'"; }

# holds WHAT NUMBER OPERATOR NUMBER, as test(1) has the operators.
holds() { test "$2" "$3" "$4" || fail "$1: $2 $3 $4 does not hold"; }

# refused ERROR COMMAND...: COMMAND has to fail and say ERROR.
refused() {
    refused_with=$1
    shift
    if refused_text=$("$@" 2>&1); then
        fail "'$*' succeeded, expected '$refused_with'"
    fi
    case $refused_text in
    *"$refused_with"*) ;;
    *) fail "'$*' said '$refused_text', expected '$refused_with'" ;;
    esac
}

# eventually COMMAND...: tries for some seconds until COMMAND succeeds; some of the
# kernel's work is done a little later.
eventually() {
    eventually_until=$(($(cut -d. -f1 /proc/uptime) + 10))
    while [ "$(cut -d. -f1 /proc/uptime)" -lt $eventually_until ]; do
        ! "$@" || return 0
        sleep 0.1
    done
    return 1
}

# load [PARAMETER...]: loads the module. With VSWAP_TEST_DEVICE=/dev/zram0 in the kernel's
# command line zram stands in, which shows what is the kernel's own doing.
load() {
    case $device in
    /dev/zram*)
        modprobe zram
        echo 1G >/sys/block/zram0/disksize
        mkswap "$device" >/dev/null
        ;;
    *) insmod /vswap.ko "$@" ;;
    esac
}

unload() {
    case $device in
    /dev/zram*) rmmod zram ;;
    *) rmmod vswap ;;
    esac
}

# start [PARAMETER...]: loads the module and swaps on it.
start() {
    load "$@"
    swapon "$device"
}

# stop: the other way; then nothing may be left.
stop() {
    swapoff "$device"
    expect_empty
    unload
}

# value NAME: one line of the statistics.
value() {
    [ -e "$class" ] || {
        echo 0
        return
    }
    value_is=$(sed -n "s/^$1 //p" "$class/stat")
    [ -n "$value_is" ] || fail "there is no '$1' in $class/stat"
    echo "$value_is"
}

# What is a level and not a count of events, and so 0 when nothing is swapped out.
levels='used_slots same_filled_slots ram_slots raw_slots compressed_bytes pool_bytes metadata_bytes clusters'

is_empty() {
    for level in $levels; do
        [ "$(value "$level")" = 0 ] || return 1
    done
}

expect_empty() { eventually is_empty || fail "not everything is 0: $(tr '\n' ' ' <"$class/stat")"; }

vmstat() { sed -n "s/^$1 //p" /proc/vmstat; }

meminfo() { sed -n "s/^$1: *\([0-9]*\) kB/\1/p" /proc/meminfo; }

# available PERCENT: that share of the available memory in MiB.
available() { echo $(($(meminfo MemAvailable) * $1 / 100 / 1024)); }

# limited MIB COMMAND...: runs COMMAND in a memory cgroup of that size, so that the rest of
# what it uses is swapped out while the guest itself has enough.
limited() {
    mkdir -p "$group"
    echo "$1M" >"$group/memory.max"
    shift
    limited_status=0
    sh -c 'echo 0 >"$1/cgroup.procs" && shift && exec "$@"' sh "$group" "$@" || limited_status=$?
    return "$limited_status"
}

# scaled NUMBER: a size in MiB, or a number that goes with one. VSWAP_TEST_DIVISOR=4 in the
# kernel's command line makes all of them a quarter of that: a kernel that checks each of its
# steps is so much slower, and finds as much.
scaled() { echo $((($1 + ${VSWAP_TEST_DIVISOR:-1} - 1) / ${VSWAP_TEST_DIVISOR:-1})); }

# swapped PAGES COMMAND...: COMMAND has to succeed and swap out at least so many pages.
swapped() {
    swapped_least=$1
    swapped_before=$(vmstat pswpout)
    shift
    "$@" || fail "'$*' ended with status $?"
    holds "pages swapped out by '$*'" $(($(vmstat pswpout) - swapped_before)) -ge "$swapped_least"
}

# held FILE: waits for a pagecheck --hold FILE, started before, to have filled its memory.
held() {
    held_file=$1
    for _ in $(seq 600); do
        [ ! -e "$held_file" ] || return 0
        sleep 0.1
    done
    fail "pagecheck did not fill its memory"
}

# finished PID: that process, started before, has to end well.
finished() { wait "$1" || fail "process $1 ended with status $?"; }
