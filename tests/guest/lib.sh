# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# Common functions of the guest tests. To be sourced.

set -eu

device=${VSWAP_TEST_DEVICE:-/dev/vswap0}
class=/sys/class/vswap/vswap0
group=/sys/fs/cgroup/test
# shellcheck disable=SC2034 # used by the tests
mib=$((1 << 20))
# The kernel's page, in bytes, and how many make a MiB.
page=$(($(sed -n 's/^KernelPageSize: *\([0-9]*\) kB/\1/p' /proc/self/smaps | head -n 1) * 1024))
# shellcheck disable=SC2034 # used by the tests
per_mib=$((mib / page))

# busybox's shell would use its own swapon and swapoff.
swapon() { /usr/sbin/swapon "$@"; }
swapoff() { /usr/sbin/swapoff "$@"; }

# step WHAT: prints what begins now, with the seconds since boot.
step() { echo "  - [$(cut -d" " -f1 /proc/uptime)] $*"; }

fail() {
    echo "  failed: $*"
    exit 1
}

# expect WHAT GOT EXPECTED
expect() { [ "$2" = "$3" ] || fail "$1 is '$2', expected '$3'"; }

# holds WHAT NUMBER OPERATOR NUMBER, with the operators of test(1).
holds() { test "$2" "$3" "$4" || fail "$1: $2 $3 $4 does not hold"; }

# refused ERROR COMMAND...: COMMAND must fail and print ERROR.
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

# within SECONDS COMMAND...: retries for that long until COMMAND succeeds.
within() {
    within_until=$(($(cut -d. -f1 /proc/uptime) + $1))
    shift
    while [ "$(cut -d. -f1 /proc/uptime)" -lt $within_until ]; do
        ! "$@" || return 0
        sleep 0.1
    done
    return 1
}

# eventually COMMAND...: the same for what the kernel does a little later.
eventually() { within 10 "$@"; }

# load [PARAMETER...]: loads the module. With VSWAP_TEST_DEVICE=/dev/zram0 in the kernel's
# command line zram stands in, which shows what is the kernel's own behaviour.
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

# stop: undoes that; then nothing may be left.
stop() {
    swapoff "$device"
    expect_empty
    unload
}

# huge_pages: lets programs have huge pages, which the kernel switches off in a guest this small. Some
# kernels have none.
huge_pages() {
    [ "$(cat /sys/kernel/mm/transparent_hugepage/hpage_pmd_size 2>/dev/null)" = $((2 * mib)) ] || return 1
    echo madvise >/sys/kernel/mm/transparent_hugepage/enabled
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

# Levels, not counts of events, and so 0 when nothing is swapped out.
levels='used_slots same_filled_slots ram_slots raw_slots disk_slots packed_slots lost_slots compressed_bytes pool_bytes table_bytes clusters whole_clusters'

# Disks have bytes of metadata even when they are empty.
is_empty() {
    is_empty_levels=$levels
    [ -n "$(cat "$class/tiers" 2>/dev/null)" ] || is_empty_levels="$levels metadata_bytes"
    for level in $is_empty_levels; do
        [ "$(value "$level")" = 0 ] || return 1
    done
}

# The swap core keeps the slot of a page that was being read or written when its process
# ended, until it comes across the page again.
is_empty_at_last() {
    is_empty || {
        [ ! -e "$group/memory.reclaim" ] || echo 4G 2>/dev/null >"$group/memory.reclaim" || true
        false
    }
}

expect_empty() {
    within 60 is_empty_at_last ||
        fail "not everything is 0: $(tr '\n' ' ' <"$class/stat"), and the kernel has $(awk -v path="$device" '$1 == path { print $4 }' /proc/swaps) KiB in use: $(grep -h VmSwap: /proc/[0-9]*/status | grep -v ' 0 kB' | tr -s ' \t\n' ' ')"
}

vmstat() { sed -n "s/^$1 //p" /proc/vmstat; }

meminfo() { sed -n "s/^$1: *\([0-9]*\) kB/\1/p" /proc/meminfo; }

# available PERCENT: that share of the available memory, in MiB.
available() { echo $(($(meminfo MemAvailable) * $1 / 100 / 1024)); }

# limited MIB COMMAND...: runs COMMAND in a memory cgroup of that size, so that the rest of
# its memory is swapped out while the guest itself has enough.
limited() {
    mkdir -p "$group"
    echo "$1M" >"$group/memory.max"
    shift
    limited_status=0
    sh -c 'echo 0 >"$1/cgroup.procs" && shift && exec "$@"' sh "$group" "$@" || limited_status=$?
    return "$limited_status"
}

# begin_limited MIB COMMAND...: the same in the background; $begun is COMMAND itself, which can be
# killed.
begin_limited() {
    mkdir -p "$group"
    echo "$1M" >"$group/memory.max"
    shift
    sh -c 'echo 0 >"$1/cgroup.procs" && shift && exec "$@"' sh "$group" "$@" &
    # shellcheck disable=SC2034 # used by the tests
    begun=$!
}

# scaled NUMBER: a size in MiB, or a number that depends on one. VSWAP_TEST_DIVISOR=4 in the
# kernel's command line divides all of them by four: a kernel that checks each of its
# steps is that much slower, and finds as much.
scaled() { echo $((($1 + ${VSWAP_TEST_DIVISOR:-1} - 1) / ${VSWAP_TEST_DIVISOR:-1})); }

# swapped PAGES COMMAND...: COMMAND must succeed and swap out at least that many pages of 4096 bytes.
swapped() {
    swapped_least=$((($1 * 4096 + page - 1) / page))
    swapped_before=$(vmstat pswpout)
    shift
    "$@" || fail "'$*' ended with status $?"
    holds "pages swapped out by '$*'" $(($(vmstat pswpout) - swapped_before)) -ge "$swapped_least"
}

# held FILE: waits for a pagecheck --hold FILE, started before, to have filled its memory.
held() {
    held_file=$1
    for _ in $(seq 3000); do
        [ ! -e "$held_file" ] || return 0
        sleep 0.1
    done
    fail "pagecheck did not fill its memory"
}

# hold OPTION...: a pagecheck that has filled its memory and waits, as $pid.
hold() {
    pagecheck --hold /tmp/held "$@" &
    pid=$!
    held /tmp/held
}

# release: compares what is held.
release() {
    rm /tmp/held
    finished "$pid"
}

# begin_allocating, end_allocating: in between memory is allocated all the time. KASAN holds freed
# memory back and releases some of it on allocations that may wait, which swapping alone does not
# make: the swap core's own freed requests would soon take all of the guest's memory.
begin_allocating() {
    : >/tmp/allocating
    while [ -e /tmp/allocating ]; do
        cat /proc/meminfo
        sleep 0.05
    done >/dev/null &
    allocating=$!
}
end_allocating() {
    rm /tmp/allocating
    finished "$allocating"
}

# finished PID: that process, started before, must end well.
finished() { wait "$1" || fail "process $1 ended with status $?"; }

# The pool frees at once what it allocates beyond its limit, but it may be seen meanwhile:
# a zspage, of 8 pages, for each CPU.
slack=$(($(nproc) * 8 * page))

# sample LIMIT: until its file is gone, checks that the pool isn't larger than LIMIT, apart from
# the slack.
sample() {
    : >/tmp/sampling
    while [ -e /tmp/sampling ]; do
        now=$(value pool_bytes)
        [ "$now" -le $(($1 + slack)) ] || echo "$now" >/tmp/exceeded
        sleep 0.05
    done
}

# sampled LIMIT COMMAND...: COMMAND must succeed, with the pool sampled meanwhile.
sampled() {
    sampled_limit=$1
    shift
    sample "$sampled_limit" &
    sampler=$!
    "$@" || fail "'$*' ended with status $?"
    rm /tmp/sampling
    finished $sampler
    [ ! -e /tmp/exceeded ] || fail "the pool had $(cat /tmp/exceeded) bytes, with a limit of $sampled_limit"
}
