# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# suite.sh NAME...: runs those tests one after the other and says "ok NAME" or
# "not ok NAME" for each.

failed=0

# Removes whatever a failed test left behind, so that the next one finds the guest as at boot.
clean_up() {
    killall -9 pagecheck hotcold memhog stress-ng nbd-server 2>/dev/null
    for cpu in /sys/devices/system/cpu/cpu*/online; do
        echo 1 >"$cpu"
    done
    echo 0 >/sys/module/zswap/parameters/enabled
    sleep 0.5
    /usr/sbin/swapoff -a
    rmmod vswap
    rmdir /sys/kernel/config/nullb/*/
    umount /sys/kernel/config
    rmmod zram null_blk
    dmsetup remove_all --force
    nbd-client -d /dev/nbd0
    /usr/sbin/losetup --detach-all
    rmdir /sys/fs/cgroup/test
    rm -rf /tmp/* /taken
    dmesg -n 8
} >/dev/null 2>&1

for name; do
    # In the log, the kernel's messages are under the test that they belong to, and so is what
    # that test is allowed to cause (see scripts/check-log).
    echo "vswap-test: $name" >/dev/kmsg
    sed -n 's/^# allowed: /vswap-test: allowed: /p' "/tests/$name.sh" >/dev/kmsg
    began=$(cut -d. -f1 /proc/uptime)
    if timeout -s KILL "${TEST_TIMEOUT:-120}" sh "/tests/$name.sh"; then
        echo "ok $name ($(($(cut -d. -f1 /proc/uptime) - began)) s)"
    else
        echo "not ok $name"
        echo "vswap-test: $name failed" >/dev/kmsg
        failed=1
        clean_up
    fi
    echo "vswap-test: $name is over" >/dev/kmsg
done

# kmemleak's findings go to the log, where each writer may only print so much. It doesn't
# report allocations of the last seconds, and needs a second look.
kmemleak=/sys/kernel/debug/kmemleak
if [ -e $kmemleak ] && echo scan 2>/dev/null >$kmemleak; then
    echo on >/proc/sys/kernel/printk_devkmsg
    sleep 6
    echo scan >$kmemleak
    cat $kmemleak >/tmp/leaks
    head -n 200 /tmp/leaks | while IFS= read -r line; do
        echo "kmemleak: $line" >/dev/kmsg
    done
    if [ -s /tmp/leaks ]; then
        cat /tmp/leaks
        echo "not ok leaks"
        failed=1
    else
        echo "ok leaks"
    fi
fi
exit $failed
