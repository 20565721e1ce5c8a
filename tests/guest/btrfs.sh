# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# A swap file on btrfs: the one that vswapctl makes is written in place, and of one that btrfs copies
# with each write it says so.
# memory: 320
# with: btrfs
# disks: 160,16
# kernel: stock
# shellcheck source=tests/guest/disks.sh
. /tests/disks.sh

files=/tmp/files
file=$files/swapfile

# in_place: how many files the file system has that are written in place.
in_place() {
    sync
    btrfs inspect-internal dump-tree -t 5 /dev/pmem0 | grep -c NODATACOW
}
no_loops() { [ -z "$(losetup --list --noheadings)" ]; }

modules loop btrfs
mkdir $files
mkfs.btrfs -q /dev/pmem0 || fail "there is no file system"
mount -t btrfs /dev/pmem0 $files
vswapctl on --module /vswap.ko --ram-limit 1M

step "a file that vswapctl makes"
said=$(vswapctl add $file --create 32M 2>&1) || fail "it said '$said'"
case $said in
*warning*) fail "it said '$said'" ;;
esac
expect "files that are written in place" "$(in_place)" 1
expect "bytes of its blocks" "$(($(stat -c %b $file) * 512))" $((32 * mib))
expect "direct I/O" "$(cat /sys/block/loop0/loop/dio)" 1
hold_out --size "$(scaled 16)" --mix random --pageout
holds "bytes on it" "$(tier /dev/loop0 used)" -ge $(($(scaled 8) * mib))
# What comes back is what had gone.
release
vswapctl remove $file
eventually no_loops || fail "there is a loop device left: $(losetup --list)"

step "a file that is copied on write"
dd if=/dev/zero of=$files/copied bs=1M count=8 2>/dev/null
chmod 600 $files/copied
expect "files that are written in place" "$(in_place)" 1
said=$(vswapctl add $files/copied 2>&1) || fail "it said '$said'"
case $said in
*"warning: btrfs copies each block of $files/copied that is written; delete it and use --create 8M,"*) ;;
*) fail "it said '$said'" ;;
esac
vswapctl remove $files/copied
# That one is used again, without a word.
said=$(vswapctl add $file 2>&1) || fail "it said '$said'"
case $said in
*warning*) fail "it said '$said'" ;;
esac
vswapctl off --unload
eventually no_loops || fail "there is a loop device left: $(losetup --list)"
umount $files
rmdir $files
