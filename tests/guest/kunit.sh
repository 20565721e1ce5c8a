# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# Makes the disks that the suites in kunit/ use, and loads the module, which
# runs them: kunit/run finds the results in the log.
# shellcheck source=tests/guest/disks.sh
. /tests/disks.sh

# /dev/pmem0 is memory, /dev/ram0 completes a bio during submission, and /dev/nullb0 interrupts later.
modprobe brd rd_nr=2 rd_size=8192
modprobe null_blk nr_devices=1 gb=1 memory_backed=1 irqmode=2 completion_nsec=100000
dmsetup create half <<TABLE
0 8192 linear /dev/ram1 0
8192 8192 error
TABLE
dmsetup create unreadable --table "0 16384 flakey /dev/pmem1 0 0 1 1 error_reads"
slice small /dev/pmem1 32 2
for disk in pmem0 ram0 nullb0 mapper/half mapper/unreadable mapper/small; do
    [ -b /dev/$disk ] || fail "there is no /dev/$disk"
done

insmod /kunit.ko size_mib=1024 ram_limit_mib=16
# Whatever a failed case left behind may be in use.
if dmesg | grep -Eq '\] (vswap:)? *not ok '; then
    fail "see above"
fi
expect_empty
rmmod vswap
dmsetup remove_all
rmmod brd null_blk
