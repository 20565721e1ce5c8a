# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# Disks that are files on a file system: it is frozen and thawed again, and it runs out of space.
# Nothing is lost, and no slot becomes unusable.
# memory: 384
# disks: 448,448
# kernel: stock
# shellcheck source=tests/guest/disks.sh
. /tests/disks.sh

# file_system NAME DISK MIB: one of that size, at /NAME.
file_system() {
    slice "$1" "$2" "$4" "$3"
    mke2fs -F -b 4096 "/dev/mapper/$1" >/dev/null 2>&1 || fail "there is no file system"
    mkdir -p "/$1"
    mount -t ext4 "/dev/mapper/$1" "/$1"
}

state_is() { tier_is "$loop" state "$1"; }

modules loop ext4
load size_mib=1024 ram_limit_mib=0
swapon "$device"

step "frozen, with another disk"
file_system home /dev/pmem0 160 0
loop=$(loop /home/swap 64)
add "$loop" 10
add /dev/pmem1
hold_out --size 8 --mix random --pageout
settled
fsfreeze --freeze /home
pagecheck --size 40 --mix random --pageout --seed 2 --hold /tmp/held-too &
other=$!
within 60 state_is stuck || fail "it is not stuck: $(cat $class/tiers)"
held /tmp/held-too
swapped 2000 limited 64 pagecheck --size 12 --mix random --pageout --seed 3
fsfreeze --unfreeze /home
within 60 state_is active || fail "it does not come back: $(cat $class/tiers)"
rm /tmp/held-too
finished $other
release
expect_empty
expect "bytes that are bad" "$(tier "$loop" bad)" 0
remove /dev/pmem1

step "frozen, and there is no other"
hold_out --size 8 --mix random --pageout
settled
fsfreeze --freeze /home
# Not in a small control group: at its limit it gets an OOM kill, as with plain swap on such a file.
limited 128 pagecheck --size 40 --mix random --pageout --rounds 2 --seed 4 &
other=$!
within 60 state_is stuck || fail "it is not stuck: $(cat $class/tiers)"
fsfreeze --unfreeze /home
within 60 state_is active || fail "it does not come back: $(cat $class/tiers)"
ends 120 $other || fail "pagecheck ended with status $?"
release
expect_empty
expect "bytes that are bad" "$(tier "$loop" bad)" 0
remove "$loop"
losetup --detach "$loop"

step "no space left"
failed=$(value failed_stores)
file_system small /dev/pmem0 24 200
truncate -s 64M /small/swap
dd if=/dev/zero of=/small/filler bs=1M count=10 2>/dev/null
sync
loop=$(losetup --find --show /small/swap)
add "$loop" 10
add /dev/pmem1
dmesg -c >/dev/null
hold_out --size 40 --mix random --pageout
reasons | grep -q "$loop: the device below it has no space left" || fail "the log says '$(reasons)'"
settled
step "$(cat $class/tiers)"
holds "errors" "$(tier "$loop" errors)" -gt 0
expect "bytes that are bad" "$(tier "$loop" bad)" 0
holds "bytes in the file" "$(tier "$loop" used)" -le $((20 * mib))
holds "bytes on the other disk" "$(tier /dev/pmem1 used)" -ge $((20 * mib))
release
expect_empty
rm /small/filler
sync
tell tier_probe "$loop"
within 60 state_is active || fail "it does not come back: $(cat $class/tiers)"
hold_out --size 16 --mix random --pageout
settled
holds "bytes in the file" "$(tier "$loop" used)" -ge $((5 * mib))
expect "bytes that are bad" "$(tier "$loop" bad)" 0
release
expect "failed stores" "$(value failed_stores)" "$failed"
expect_empty
remove "$loop"
remove /dev/pmem1
losetup --detach "$loop"
umount /small /home
dmsetup remove small home
stop
