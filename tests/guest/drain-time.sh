# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# How long a drain takes of a disk with one process's pages, and with many processes' pages,
# and how long swapoff of plain swap takes with the same pages. Asserts no times.
# when: asked
# memory: 384
# disks: 448,448
# shellcheck source=tests/guest/disks.sh
. /tests/disks.sh

size=$(scaled 256)

# owned PROCESSES: that many processes have the pages, in equal parts.
owned() {
    rm -f /tmp/held.*
    owners=""
    for number in $(seq "$1"); do
        pagecheck --size $((size / $1)) --mix random --pageout --seed "$number" --hold "/tmp/held.$number" >/dev/null &
        owners="$owners $!"
    done
    for number in $(seq "$1"); do
        held "/tmp/held.$number"
    done
}

# compared: all of them find their pages unchanged.
compared() {
    for number in $(seq "$1"); do
        rm "/tmp/held.$number"
        # shellcheck disable=SC2086 # one word a process
        finished "$(echo $owners | cut -d' ' -f"$number")"
    done
}

milliseconds() { awk '{ printf "%d\n", $1 * 1000 }' /proc/uptime; }

# timed WHAT COMMAND...
timed() {
    timed_what=$1 timed_from=$(milliseconds)
    shift
    "$@"
    echo "result: $timed_what: $(($(milliseconds) - timed_from)) ms"
}

many=$(scaled 64)
for processes in 1 "$many"; do
    step "vswap, $processes process(es)"
    load size_mib=1024 ram_limit_mib=0
    add /dev/pmem0
    swapon "$device"
    owned "$processes"
    settled
    holds "bytes on the disk" "$(tier /dev/pmem0 used)" -ge $((size * mib * 97 / 100))
    add /dev/pmem1
    timed "$size MiB of $processes process(es), disk of vswap emptied" remove /dev/pmem0
    expect "what is listed of the disk" "$(tier /dev/pmem0 state)" ""
    holds "bytes on the other disk" "$(tier /dev/pmem1 used)" -ge $((size * mib * 97 / 100))
    compared "$processes"
    stop
done

for processes in 1 "$many"; do
    step "plain swap, $processes process(es)"
    mkswap /dev/pmem0 >/dev/null
    mkswap /dev/pmem1 >/dev/null
    swapon --priority 2 /dev/pmem0
    owned "$processes"
    holds "KiB of swap used" $(($(meminfo SwapTotal) - $(meminfo SwapFree))) -ge $((size * 1000))
    # Somewhere for the pages to go, as for the disk of vswap.
    swapon --priority 1 /dev/pmem1
    timed "$size MiB of $processes process(es), plain swap off" swapoff /dev/pmem0
    compared "$processes"
    swapoff /dev/pmem1
done
