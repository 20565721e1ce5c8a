# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# Disks for the guest tests, healthy and failing, and vswap's tiers on them. To be sourced, in
# place of lib.sh, by tests that ask for disks.
# shellcheck source=tests/guest/lib.sh
. /tests/lib.sh

# busybox has its own, which can do less.
losetup() { /usr/sbin/losetup "$@"; }
blkid() { /usr/sbin/blkid "$@"; }
# There is no udev: dmsetup creates the nodes.
export DM_DISABLE_UDEV=1

# modules NAME...: loads those that aren't built in.
modules() {
    for module; do
        modprobe -q "$module" || true
    done
}

modules nd_e820 of_pmem nd_pmem dm-mod dm-flakey dm-delay
both_there() { [ -b /dev/pmem0 ] && [ -b /dev/pmem1 ]; }
eventually both_there || fail "there are no two disks of persistent memory"
[ -c /dev/mapper/control ] || fail "there is no device mapper"

# In MiB, a disk of the fewest pages.
# shellcheck disable=SC2034 # used by the tests
least=$((1024 / per_mib))

sectors() { blockdev --getsz "$1"; }
bytes() { blockdev --getsize64 "$1"; }

# table DISK STATE [MS]: a device-mapper table for all of DISK.
# Never a linear one: on persistent memory that makes a kind of device whose table can't be
# replaced by any of the others.
table() {
    table_of="$1 0" table_size="0 $(sectors "$1")"
    case $2 in
    healthy) echo "$table_size flakey $table_of 1 0" ;;
    slow) echo "$table_size delay $table_of $3" ;;
    slow-reads) echo "$table_size delay $table_of $3 $table_of 0" ;;
    slow-writes) echo "$table_size delay $table_of 0 $table_of $3" ;;
    no-reads) echo "$table_size flakey $table_of 0 1 1 error_reads" ;;
    no-writes) echo "$table_size flakey $table_of 0 1 1 error_writes" ;;
    dead) echo "$table_size flakey $table_of 0 1" ;;
    *) fail "there is no state '$2' of a disk" ;;
    esac
}

# worn DISK FROM COUNT: the same, for a disk that is healthy except for COUNT MiB at FROM MiB.
worn() {
    worn_from=$(($2 * 2048)) worn_count=$(($3 * 2048)) worn_end=$((($2 + $3) * 2048))
    echo "0 $worn_from flakey $1 0 1 0"
    echo "$worn_from $worn_count flakey $1 $worn_from 0 1"
    echo "$worn_end $(($(sectors "$1") - worn_end)) flakey $1 $worn_end 1 0"
}

# slow_from DISK FROM MS: the same, for a disk that is healthy up to FROM MiB and slow from there.
slow_from() {
    slow_at=$(($2 * 2048))
    echo "0 $slow_at delay $1 0 0"
    echo "$slow_at $(($(sectors "$1") - slow_at)) delay $1 $slow_at $3"
}

# make_disk NAME DISK: /dev/mapper/NAME, which is DISK until turn() changes it.
make_disk() { table "$2" healthy | dmsetup create "$1"; }

# turn NAME DISK STATE [MS]: changes the behaviour of /dev/mapper/NAME.
turn() {
    turned=$1
    shift
    table "$@" | replace_table "$turned"
}

# I/O under way is let through, as it would never end on some of the disks.
replace_table() {
    dmsetup load "$1"
    dmsetup suspend --nolockfs "$1"
    dmsetup resume "$1"
}

# slice NAME DISK FROM COUNT: /dev/mapper/NAME is COUNT MiB of DISK, at FROM MiB.
slice() { dmsetup create "$1" --table "0 $(($4 * 2048)) linear $2 $(($3 * 2048))"; }

# loop FILE MIB [OPTION]: makes a loop device of a new file of that size, in memory,
# and prints its name.
loop() {
    modules loop
    dd if=/dev/zero of="$1" bs=1M count="$2" 2>/dev/null
    losetup ${3:+"$3"} --find --show "$1"
}

# serve FILE: an NBD server for it, as $server.
serve() {
    ip link set lo up
    printf '[generic]\nlistenaddr = 127.0.0.1\n[disk]\nexportname = %s\n' "$1" >/tmp/nbd.conf
    nbd-server -C /tmp/nbd.conf 10809 -d >/tmp/nbd.log 2>&1 &
    server=$!
}

connected() { nbd-client -N disk 127.0.0.1 /dev/nbd0 >/tmp/nbd-client.log 2>&1; }

# connect: /dev/nbd0 is the server's file.
connect() {
    modules nbd
    within 60 connected || fail "nbd-client: $(cat /tmp/nbd-client.log) $(cat /tmp/nbd.log)"
}

# killed PID: kills that process, started before.
killed() {
    kill -9 "$1"
    # The shell prints that it was.
    wait "$1" 2>/dev/null || true
}

# stop_server: kills it and the processes that it forked for its clients.
stop_server() {
    killall -9 nbd-server
    wait "$server" 2>/dev/null || true
}

# tell ATTRIBUTE TEXT
tell() { echo "$2" >"$class/$1"; }

# add DISK [PRIORITY] [encrypt] [integrity]: also with the options of VSWAP_TEST_TIER in the kernel's
# command line, for all disks (tests/run --protected).
add() {
    add_options=$(echo "${VSWAP_TEST_TIER:-}" | tr , ' ')
    case $* in
    *encrypt* | *integrity*) add_options="" ;;
    esac
    tell tier_add "$*${add_options:+ $add_options}" || fail "$* can't be added"
}
remove() { tell tier_remove "$*" || fail "$* can't be removed"; }

# to_disks: incompressible pages go to the disks at once, except for a few.
to_disks() {
    tell low_watermark 1
    tell high_watermark 2
}

# tier DISK FIELD: its value in the list; nothing for a disk that is not added.
tier() {
    awk -v disk="$1" -v field="$2" '
        $1 == disk { for (i = 2; i <= NF; i++) if (split($i, part, "=") == 2 && part[1] == field) print part[2] }
    ' $class/tiers
}

tier_is() { [ "$(tier "$1" "$2")" = "$3" ]; }

# reasons: the lines that the module wrote to the kernel's log since it was cleared.
reasons() { dmesg | sed -n 's/^.*\] vswap: //p'; }

# denied ERROR ATTRIBUTE TEXT: writing it fails with that error, and changes nothing.
denied() {
    disks_before=$(cat $class/tiers)
    # shellcheck disable=SC2016 # expanded inside
    refused "$1" sh -c 'echo "$2" >"$1"' sh "$class/$2" "$3"
    expect "the disks" "$(cat $class/tiers)" "$disks_before"
}

# denied_for_a_reason ERROR ATTRIBUTE TEXT: and the log has one line that says why.
denied_for_a_reason() {
    dmesg -c >/dev/null
    denied "$@"
    step "'$3': $(reasons)"
    expect "number of lines that say why $2 does not take '$3'" "$(reasons | grep -c .)" 1
}

# hold_out OPTION...: like hold(), and nothing of it is left in memory. Pages that were
# written to a disk stay in memory until it is needed, unless the disk is memory. No other process
# may reclaim it, as its pages would be counted as well.
hold_out() {
    mkdir -p "$group"
    echo 128M >"$group/memory.max"
    # shellcheck disable=SC2016 # expanded inside
    sh -c 'echo 0 >"$1/cgroup.procs" && shift && exec pagecheck --hold /tmp/held "$@"' sh "$group" "$@" &
    pid=$!
    held /tmp/held
    eventually reclaimed || true
}
# Pages that are still being written are not reclaimed.
reclaimed() {
    # It prints that it found less than that.
    echo 4G 2>/dev/null >"$group/memory.reclaim" || true
    grep -qx "swapcached 0" "$group/memory.stat"
}

# draining DISK: whether its drain has begun, and is not over.
draining() {
    draining_of=$(tier "$1" drained | cut -d/ -f1)
    [ "${draining_of:-0}" -gt 0 ]
}

# ends SECONDS PID: that process, started before, must end within that time; returns its status.
ends() {
    within "$1" gone "$2" || fail "process $2 hangs: $(cat "/proc/$2/stack" 2>/dev/null)"
    wait "$2"
}
gone() { ! kill -0 "$1" 2>/dev/null; }

# release_some: compares what is held with --may-lose; $lost is how many pages of it could
# not be read. To be started with its output in /tmp/held-says.
release_some() {
    rm /tmp/held
    ends 120 "$pid" || fail "pagecheck ended with status $?: $(cat /tmp/held-says)"
    lost=$(sed -n 's/.* 0 wrong, \([0-9]*\) lost$/\1/p' /tmp/held-says)
    step "$lost pages lost"
}

# adds_up: whether each slot in use is in one place.
adds_up() { [ "$(value used_slots)" = $(($(value same_filled_slots) + $(value ram_slots) + $(value disk_slots) + $(value lost_slots))) ]; }

# sum_of_used: bytes in use on all disks, by the list.
sum_of_used() { sed -n 's/.* used=\([0-9]*\) .*/\1/p' $class/tiers | awk '{ sum += $1 } END { print sum + 0 }'; }

# settled: waits for the figures to agree with each other, as they do when nothing changes.
# Packed pages share the bytes of segments.
segment_bytes() { sed -n 's/.* segment_bytes=\([0-9]*\).*/\1/p' $class/tiers | awk '{ sum += $1 } END { print sum + 0 }'; }
figures_agree() { adds_up && [ "$(sum_of_used)" = $((($(value disk_slots) - $(value packed_slots)) * page + $(segment_bytes))) ]; }
settled() { eventually figures_agree || fail "the figures don't agree: $(tr '\n' ' ' <$class/stat) $(cat $class/tiers)"; }
