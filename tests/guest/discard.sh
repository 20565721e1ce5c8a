# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# A disk that is added with "discard" is told which clusters hold nothing, and loses no page by that. The disk
# is a zram device, which says how much it holds.
# memory: 384
# disks: 448,16
# shellcheck source=tests/guest/disks.sh
. /tests/disks.sh

# stored: MiB that the disk holds.
stored() { echo $(($(awk '{ print $1 }' /sys/block/zram0/mm_stat) / mib)); }
# has_rested: whether nothing was discarded for three looks of the thread.
has_rested() {
    rested=$(tier /dev/zram0 discarded)
    sleep 3
    [ "$(tier /dev/zram0 discarded)" = "$rested" ]
}
stores_at_most() { [ "$(stored)" -le "$1" ]; }
# What stays: the signature's cluster, the last free one, and one that a CPU or a mover allocates in.
least=10
held=$(scaled 48) most=$(scaled 40)

modprobe zram
echo 96M >/sys/block/zram0/disksize
load size_mib=1024 ram_limit_mib=0

step "who can't be told"
denied_for_a_reason "Operation not supported" tier_add "/dev/pmem0 discard"
loop=$(loop /file 16)
denied_for_a_reason "Operation not supported" tier_add "$loop discard"
denied "Invalid argument" tier_add "/dev/zram0 discard discard"
losetup --detach "$loop"

# Some clusters stay in any case, which with pages of 16 KiB are as large as what is stored here.
if [ $page != 4096 ]; then
    step "nothing else in a guest this small"
    unload
    exit 0
fi

step "what was there before"
dd if=/dev/urandom of=/dev/zram0 bs=1M count=32 2>/dev/null
sync
holds "MiB before" "$(stored)" -ge 32
add /dev/zram0 discard compress=off
expect "whether it is told" "$(tier /dev/zram0 discard)" 1
eventually stores_at_most $least || fail "it holds $(stored) MiB: $(cat $class/tiers)"
swapon "$device"

step "what was freed"
eventually has_rested || fail "it goes on without an end: $(cat $class/tiers)"
before=$(tier /dev/zram0 discarded)
hold --size "$held" --mix random --pageout
holds "MiB on the disk" "$(stored)" -ge "$most"
release
eventually stores_at_most $least || fail "it holds $(stored) MiB: $(cat $class/tiers)"
holds "MiB discarded" $((($(tier /dev/zram0 discarded) - before) / mib)) -ge $((most - least))
settled
expect_empty

step "while pages come and go"
pagecheck --size "$(scaled 48)" --mix random --threads 3 --pageout --rounds 3 --discard 30 || fail "pagecheck ended with status $?"
settled
expect "failed stores" "$(value failed_stores)" 0

step "packed pages"
remove /dev/zram0
tell ram_limit 8M
to_disks
add /dev/zram0 discard compress=on
pagecheck --size "$(scaled 48)" --mix compressible --threads 3 --pageout --rounds 3 --discard 30 || fail "pagecheck ended with status $?"
settled
expect "failed stores" "$(value failed_stores)" 0
eventually stores_at_most $least || fail "it holds $(stored) MiB: $(cat $class/tiers)"
tell ram_limit 0

step "removed meanwhile"
hold --size "$held" --mix random --pageout
add /dev/pmem0
remove /dev/zram0
release
remove /dev/pmem0

step "without being asked to"
add /dev/zram0 0 compress=off
expect "whether it is told" "$(tier /dev/zram0 discard)" ""
hold --size "$held" --mix random --pageout
release
expect_empty
# As long as it would take at least.
sleep 3
holds "MiB on the disk" "$(stored)" -ge "$most"
remove /dev/zram0

step "a disk that refuses"
table /dev/zram0 healthy | dmsetup create refuses
add /dev/mapper/refuses discard compress=off
hold --size "$held" --mix random --pageout
dmesg -c >/dev/null
turn refuses /dev/zram0 no-writes
release
has_refused() { reasons | grep -q "a discard failed"; }
eventually has_refused || fail "nothing says that it refuses: $(reasons)"
turn refuses /dev/zram0 healthy
hold --size "$held" --mix random --pageout
release
settled
remove /dev/mapper/refuses
dmsetup remove refuses
stop
rmmod zram
