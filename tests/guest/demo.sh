# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# The output of scripts/demo. Lines that begin with "step: " are progress, "  failed: " comes
# before the end, the others are results.
# shellcheck source=tests/guest/lib.sh
. /tests/lib.sh

step() { echo "step: $*"; }

# row NAME: what is swapped out now, and its cost.
row() {
    awk -v name="$1" '
        function mib(bytes) { return sprintf("%.1f MiB", bytes / 1048576) }
        { value[$1] = $2 }
        END {
            swapped = value["used_slots"] * 4096
            memory = value["pool_bytes"] + value["metadata_bytes"]
            printf "%-13s %12s %12s %12s %12s %12s %11s %8s\n", name, mib(swapped),
                mib(value["same_filled_slots"] * 4096),
                mib((value["ram_slots"] - value["raw_slots"]) * 4096),
                mib(value["raw_slots"] * 4096),
                mib(value["pool_bytes"]), sprintf("%.0f KiB", value["metadata_bytes"] / 1024),
                memory ? sprintf("%.1f", swapped / memory) : "-"
        }' $class/stat
}

# shown NAME MIB PAGECHECK_OPTION...: that much is swapped out, shown, and compared.
shown() {
    name=$1 size=$2
    shift 2
    step "pagecheck: $size MiB, $name, 4 threads"
    pagecheck --size "$size" --pageout --threads 4 --hold /tmp/held "$@" >/tmp/pagecheck 2>&1 &
    pid=$!
    held /tmp/held
    row "$name"
    rm /tmp/held
    wait $pid || fail "$(cat /tmp/pagecheck)"
}

# pressed WHAT COMMAND...: COMMAND, which fails when its data is wrong, must succeed; says
# how much it swapped out.
pressed() {
    what=$1 before=$(vmstat pswpout)
    shift
    step "$what"
    "$@" >/tmp/output 2>&1 || fail "'$*' ended with status $?: $(tail -n 3 /tmp/output)"
    results="$results
$what: $((($(vmstat pswpout) - before) / per_mib)) MiB swapped out"
}

results=
step "loading vswap.ko and swapon $device"
start size_mib=1024
echo "Linux $(uname -r), $(nproc) processors, $(($(meminfo MemTotal) / 1024)) MiB of memory, $(($(meminfo SwapTotal) / 1024)) MiB of swap on $device"
echo
echo "contents       swapped out  same-filled   compressed          raw  memory used      tables    ratio"
shown same-filled 48 --mix same
shown compressible 48 --mix compressible
shown random 32 --mix random
shown mixed 48 --mix same=40,compressible=50,random=10 --rounds 1
size=$(available 125)
pressed "memhog of $size MiB" memhog -r1 "${size}M"
pressed "stress-ng --vm 2 --verify" stress-ng --vm 2 --vm-bytes "$(available 110)M" --vm-method zero-one --verify --timeout 15s
pressed "pagecheck of $size MiB, 4 threads" pagecheck --size "$size" --mix same=60,compressible=35,random=5 --threads 4
step "disks: 32 MiB written back to one, which is then removed while they are in use"
modprobe brd rd_nr=2 rd_size=65536
pagecheck --size 32 --mix compressible --pageout --hold /tmp/held >/tmp/pagecheck 2>&1 &
pid=$!
held /tmp/held
echo /dev/ram0 >$class/tier_add || fail "/dev/ram0 can't be added"
echo all >$class/writeback || fail "pages can't be written back"
written=$(($(value disk_slots) / per_mib))
echo /dev/ram1 >$class/tier_add || fail "/dev/ram1 can't be added"
read_in=$(vmstat pswpin)
echo /dev/ram0 >$class/tier_remove || fail "/dev/ram0 can't be removed"
results="$results
disks: $written MiB written back to /dev/ram0, and moved from there to /dev/ram1 when it was removed, with $(($(vmstat pswpin) - read_in)) pages swapped in"
rm /tmp/held
wait $pid || fail "$(cat /tmp/pagecheck)"
echo "$results"
step "swapoff and unloading"
stop
echo "swapoff and rmmod: nothing is left"
