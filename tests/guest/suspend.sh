# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# The machine is suspended to memory and woken by its clock, or to each of the earlier stages
# that the kernel can test (only the last of them without MINUTES), while pages are swapped to
# memory and to disks, and while a disk is drained.
# memory: 384
# with: vswapctl
# disks: 448,448
# kernel: stock kasan
# shellcheck source=tests/guest/disks.sh
. /tests/disks.sh

alarm=/sys/class/rtc/rtc0/wakealarm
test=/sys/power/pm_test
tracing=/sys/kernel/tracing
modules rtc_cmos
times=$((${MINUTES:-0} > 0 ? ${MINUTES:-0} * 2 : 1))

# suspends: how often the kernel went to sleep and came back.
suspends() { cat /sys/power/suspend_stats/success; }

# sleep_in STAGE: "none" is all the way, from which the clock wakes it.
sleep_in() {
    slept=$(suspends)
    [ ! -e $test ] || echo "$1" >$test
    if [ "$1" = none ]; then
        echo 0 >$alarm
        # Before the machine sleeps, the alarm would be missed, and a debug kernel takes its time for that.
        echo "+$((${VSWAP_TEST_DIVISOR:-1} > 2 ? 30 : 5))" >$alarm
    fi
    echo mem >/sys/power/state || fail "the machine can't be suspended ($1)"
    expect "suspends" "$(suspends)" $((slept + 1))
}

grep -qw mem /sys/power/state || fail "this kernel knows no suspend to memory: $(cat /sys/power/state)"
stages=none
if [ -e $test ]; then
    # Each includes the ones before it.
    stages="core none"
    [ "${MINUTES:-0}" = 0 ] || stages="freezer devices platform processors core none"
    echo 1 >/sys/module/suspend/parameters/pm_test_delay
fi
echo deep >/sys/power/mem_sleep 2>/dev/null || true
# Where memory is not all that stays on, the kernel can test fewer stages.
case $(cat /sys/power/mem_sleep) in
*"[s2idle]"*) stages=platform ;;
esac
step "$(cat /sys/power/mem_sleep), stages: $stages"

load size_mib=1024 ram_limit_mib="$(scaled 8)"
make_disk disk /dev/pmem0
add /dev/mapper/disk 1
add /dev/pmem1
swapon "$device"
hold --size "$(scaled 16)" --mix compressible=50,random=50 --pageout
number=0
while [ $number -lt $times ]; do
    number=$((number + 1))
    for stage in $stages; do
        step "$stage"
        begin_limited "$(scaled 6)" pagecheck --size "$(scaled 16)" --mix same=20,compressible=40,random=40 --threads 2 --rounds 100000 --seed $number >/tmp/swapping 2>&1
        swapping=$(vmstat pswpout)
        goes_on() { [ "$(vmstat pswpout)" -ge $((swapping + 100)) ]; }
        within 30 goes_on || fail "nothing is swapped: $(cat /tmp/swapping)"
        sleep_in "$stage"
        # It continues where it was.
        swapping=$(vmstat pswpout)
        within 30 goes_on || fail "nothing is swapped any more: $(cat /tmp/swapping)"
        killed "$begun"
        ! grep -E "wrong byte|read error" /tmp/swapping || fail "see above"
    done
    # Too slow to end before.
    step "while a disk is drained"
    echo 0 >$class/ram_limit
    pagecheck --size 10 --mix random --pageout --hold /tmp/held-too &
    other=$!
    held /tmp/held-too
    settled
    turn disk /dev/pmem0 slow-reads 3000
    vswapctl remove /dev/mapper/disk >/tmp/removal 2>&1 &
    remover=$!
    begun_to() { [ -n "$(tier /dev/mapper/disk drained)" ]; }
    within 30 begun_to || fail "it does not begin: $(cat /tmp/removal)"
    sleep_in "${stages##* }"
    # It is not over, and continues.
    eventually begun_to || fail "it was given up: $(cat /tmp/removal)"
    turn disk /dev/pmem0 healthy
    ends 120 $remover || fail "it can't be removed: $(cat /tmp/removal) $(cat $class/tiers)"
    rm /tmp/held-too
    finished $other
    echo "$(scaled 8)M" >$class/ram_limit
    add /dev/mapper/disk 1
done
if [ -e $test ] && mount -t tracefs trace $tracing; then
    step "nothing is written back while it sleeps"
    echo "$(scaled 24)M" >$class/ram_limit
    pagecheck --size "$(scaled 24)" --mix compressible --pageout --hold /tmp/held-too &
    other=$!
    held /tmp/held-too
    turn disk /dev/pmem0 slow 200
    for event in power/suspend_resume vswap/vswap_writeback; do
        echo 1 >$tracing/events/$event/enable
    done
    written=$(value written_back_pages)
    echo 2M >$class/ram_limit
    writes_back() { [ "$(value written_back_pages)" -gt "$written" ]; }
    within 30 writes_back || fail "it does not begin"
    echo 3 >/sys/module/suspend/parameters/pm_test_delay
    sleep_in freezer
    turn disk /dev/pmem0 healthy
    # frozen EVENT: how many there were while tasks were frozen.
    frozen() {
        awk -v event="$1:" '
            /suspend_resume: freeze_processes.* end/ { frozen = 1 }
            /suspend_resume: thaw_processes.* begin/ { frozen = 0 }
            frozen && index($0, event) { events++ }
            END { print events + 0 }' $tracing/trace
    }
    holds "times that everybody was frozen" "$(frozen suspend_resume)" -ge 1
    expect "clusters written back meanwhile" "$(frozen vswap_writeback)" 0
    rm /tmp/held-too
    finished $other
fi
settled
expect "failed stores" "$(value failed_stores)" 0
release
expect_empty
remove /dev/mapper/disk
remove /dev/pmem1
dmsetup remove disk
stop
