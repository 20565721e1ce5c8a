# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# Nothing has room any more: the kernel does not try to swap out, the OOM killer runs, other processes
# continue, and when there is room again, it is counted again.
# memory: 384
# disks: 448,448
# allowed: Out of memory: Killed|invoked oom-killer|Call Trace:
# shellcheck source=tests/guest/disks.sh
. /tests/disks.sh

# free_slots: pages of swap that the kernel counts as free, and those that it should if it counted
# all unused ones.
free_slots() { echo $(($(meminfo SwapFree) * 1024 / page)); }
unused_slots() { awk -v path="$device" -v page=$page '$1 == path { print ($3 - $4) * 1024 / page }' /proc/swaps; }
all_are_counted() { [ "$(free_slots)" -ge $(($(unused_slots) - 64)) ]; }
none_is_counted() { [ "$(free_slots)" -lt 64 ]; }
uptime_is() { cut -d. -f1 /proc/uptime; }

# A shell that does something each second.
others() {
    : >/tmp/others
    while sleep 1; do
        sh -c 'cut -d. -f1 /proc/uptime | sort' >>/tmp/others
    done
}
longest_gap() { awk 'NR > 1 && $1 - last > gap { gap = $1 - last } { last = $1 } END { print gap + 0 }' /tmp/others; }

# overfill SIZE: a process uses more pages than there is room for, until it is killed.
overfill() {
    others &
    other=$!
    began=$(uptime_is)
    status=0
    pagecheck --size "$1" --mix random --rounds 1 --seed 7 >/tmp/overfill 2>&1 || status=$?
    took=$(($(uptime_is) - began))
    kill $other
}

# More than there is room for, while another process tries for a while to swap it out.
too_much() {
    begin_limited 128 pagecheck --size $((limit + 16)) --mix random --pageout --hold /tmp/held
    pid=$begun
    held /tmp/held
    try_for 3
}

# try_for SECONDS: tries to swap out the group's pages.
try_for() {
    try_until=$(($(uptime_is) + $1))
    while [ "$(uptime_is)" -le $try_until ]; do
        echo 64M 2>/dev/null >"$group/memory.reclaim" || true
    done
}

limit=$(scaled 64)
size=$(($(available 100) + limit + 64))
load size_mib=4096 ram_limit_mib="$limit"
swapon "$device"

step "incompressible pages, and no disk"
hold --size "$(scaled 32)" --mix compressible=50,random=50
overfill $size
echo "result: full: the OOM killer came after $took s; a shell did nothing for $(longest_gap) s; $(value failed_stores) stores failed"
expect "how the process ended" "$status" 137
holds "stores that failed" "$(value failed_stores)" -gt 0
# Far fewer than if the kernel tried each page again and again.
holds "stores that failed" "$(value failed_stores)" -lt $((4 * per_mib * size))
eventually all_are_counted || fail "the kernel counts $(free_slots) slots as free of $(unused_slots)"
expect "slots that are withheld" "$(value withheld_slots)" 0
release

step "none is counted while nothing has room"
too_much
eventually none_is_counted || fail "the kernel counts $(free_slots) slots as free"
holds "slots that are withheld" "$(value withheld_slots)" -gt $(($(unused_slots) - 1024))
step "a disk has room"
add /dev/pmem0
all_are_counted || fail "the kernel counts $(free_slots) slots as free of $(unused_slots)"
swapped $((256 * 8)) pagecheck --size 12 --mix random --pageout
release
remove /dev/pmem0

step "a full disk that keeps segments in reserve for cleaning"
slice packing /dev/pmem0 0 $((least > 8 ? least : 8))
add /dev/mapper/packing 0 compress=on
hold --size 4 --mix compressible --pageout
tell writeback all
release
too_much
eventually none_is_counted || fail "the kernel counts $(free_slots) slots as free: $(cat $class/tiers)"
release
remove /dev/mapper/packing
dmsetup remove packing

step "swapped off while none is counted"
too_much
eventually none_is_counted || fail "the kernel counts $(free_slots) slots as free"
swapoff "$device"
expect "slots that the kernel counts" "$(free_slots)" 0
swapon "$device"
all_are_counted || fail "the kernel counts $(free_slots) slots as free of $(unused_slots)"
release
expect_empty

step "another device has slots"
too_much
eventually none_is_counted || fail "the kernel counts $(free_slots) slots as free"
mkswap /dev/pmem1 >/dev/null
swapon /dev/pmem1
holds "slots that the kernel counts" "$(free_slots)" -gt $((400 * per_mib))
pagecheck --size 40 --mix random --pageout --rounds 1 || fail "pagecheck ended with status $?"
holds "slots that the kernel counts" "$(free_slots)" -gt $((200 * per_mib))
swapoff /dev/pmem1
release
eventually all_are_counted || fail "the kernel counts $(free_slots) slots as free of $(unused_slots)"

step "nothing has room, but pages on the disk are in memory as well"
echo 0 >$class/ram_limit
slice small /dev/pmem0 0 32
table /dev/mapper/small healthy | dmsetup create disk
add /dev/mapper/disk
kept=$group
mkdir -p "$kept"
begin_limited 128 pagecheck --size 12 --mix random --pageout --keep-slots --hold /tmp/kept
keeps=$begun
held /tmp/kept
in_memory() { sed -n 's/^swapcached //p' "$kept/memory.stat"; }
holds "bytes in memory of pages that are on the disk" "$(in_memory)" -ge $((11 << 20))
group=$group-too-much
too_much
holds "bytes that the disk has left" $(($(tier /dev/mapper/disk size) - $(tier /dev/mapper/disk used))) -le $mib
holds "slots that the kernel counts" "$(free_slots)" -gt 0
before=$(in_memory)
# A process that needs the memory does not have to be killed for it.
echo 8M >"$kept/memory.reclaim" || fail "the kernel does not reclaim pages that are on the disk"
holds "bytes of them afterwards" "$(in_memory)" -le $((before - (7 << 20)))
echo 12M 2>/dev/null >"$kept/memory.reclaim" || true
step "and now no longer"
too_much_again() { echo 64M 2>/dev/null >"$group/memory.reclaim" || true; none_is_counted; }
within 60 too_much_again || fail "the kernel counts $(free_slots) slots as free"
release
rm /tmp/kept
finished "$keeps"
expect_empty
remove /dev/mapper/disk
dmsetup remove disk small
stop
