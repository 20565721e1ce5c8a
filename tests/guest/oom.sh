# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# The OOM killer in the middle of swapping, with pages in memory and on a disk: in control groups
# with each of their limits, when the device is full, and by SysRq. Survivors keep
# their data, and what the killed processes had is released. MINUTES sets the duration (each once by
# default); SEED repeats a run.
# memory: 384
# disks: 448,448
# allowed: Out of memory: Killed|invoked oom-killer|Call Trace:
# shellcheck source=tests/guest/disks.sh
. /tests/disks.sh

seed=${SEED:-$(od -An -N2 -tu2 /dev/urandom | tr -d ' ')}
until=$(($(cut -d. -f1 /proc/uptime) + ${MINUTES:-0} * 60))
step "seed $seed"
others=/sys/fs/cgroup/others

# of_group GROUP OPTION...: a pagecheck in that group.
of_group() {
    # shellcheck disable=SC2016 # expanded inside
    sh -c 'echo 0 >"/sys/fs/cgroup/$1/cgroup.procs" && shift && exec pagecheck "$@"' sh "$@"
}

# kills: how many processes of $group the OOM killer has killed.
kills() { sed -n 's/^oom_kill //p' $group/memory.events; }

# limits MAX HIGH SWAP: of $group.
limits() {
    echo "$1" >$group/memory.max
    echo "$2" >$group/memory.high
    echo "$3" >$group/memory.swap.max
}

# victims COUNT OPTIONS: that many processes in $group, of which the OOM killer kills at least one;
# the others end well.
victims() {
    killed_before=$(kills) victims=""
    for victim in $(seq "$1"); do
        # shellcheck disable=SC2086 # words
        of_group test --seed "$victim" $2 >>/tmp/victims 2>&1 &
        victims="$victims $!"
    done
    for victim in $victims; do
        victim_status=0
        ends 240 "$victim" || victim_status=$?
        [ $victim_status = 0 ] || [ $victim_status = 137 ] ||
            fail "a victim ended with status $victim_status: $(cat /tmp/victims)"
    done
    holds "processes killed" $(($(kills) - killed_before)) -ge 1
    ! grep -E "wrong byte|read error" /tmp/victims || fail "see above"
    step "failed stores: $(value failed_stores)"
}

# lives_on NAME: what was held before is still there, in memory and on the disk, and nothing of
# others is left.
lives_on() {
    step "$(cat $class/tiers)"
    settled
    eventually only_the_others ||
        fail "after $1, $(value used_slots) slots are in use: $(tr '\n' ' ' <$class/stat)"
    expect "slots that were lost" "$(value lost_slots)" 0
}
only_the_others() {
    echo 4G 2>/dev/null >$group/memory.reclaim || true
    [ "$(value used_slots)" -le $((held_slots + 64)) ]
}

load size_mib=1024 ram_limit_mib="$(scaled 4)"
small=$((4 + $(scaled 12)))
[ "$small" -ge $least ] || small=$least
slice little /dev/pmem0 0 "$small"
disk=/dev/mapper/little
add $disk
swapon "$device"
mkdir -p $group $others
echo "$((4 + $(scaled 12)))M" >$others/memory.max

round=0
while [ $round = 0 ] || [ "$(cut -d. -f1 /proc/uptime)" -lt $until ]; do
    round=$((round + 1))
    of_group others --hold /tmp/held --size "$(scaled 8)" --mix compressible=50,random=50 --pageout --seed $((seed + round)) &
    pid=$!
    held /tmp/held
    echo 4G 2>/dev/null >$others/memory.reclaim || true
    settled
    held_slots=$(value used_slots)
    holds "slots of who lives on" "$held_slots" -ge $(($(scaled 8) * per_mib / 2))

    step "memory.max and memory.swap.max"
    limits "$(scaled 8)M" max "$(scaled 8)M"
    victims 2 "--size $(scaled 20) --mix random --threads 2"
    lives_on "memory.swap.max"

    step "a whole group"
    echo 1 >$group/memory.oom.group
    victims 2 "--size $(scaled 20) --mix same=20,compressible=40,random=40"
    echo 0 >$group/memory.oom.group
    lives_on "memory.oom.group"

    step "the device is full"
    limits "$(scaled 2)M" max max
    failed=$(value failed_stores)
    victims 1 "--size $((small + $(scaled 8))) --mix random"
    holds "failed stores" $(($(value failed_stores) - failed)) -gt 0
    lives_on "a full device"

    step "memory.high alone, which kills nobody"
    limits max "$(scaled 8)M" max
    killed_before=$(kills)
    swapped "$(($(scaled 2) * 256))" of_group test --size "$(scaled 12)" --threads 2
    expect "processes killed" "$(kills)" "$killed_before"
    lives_on "memory.high"

    step "a kill as when the machine has no memory left"
    limits "$(scaled 8)M" max max
    killed=$(vmstat oom_kill)
    begin_limited "$(scaled 8)" pagecheck --size "$(scaled 16)" --mix same=20,compressible=40,random=40 --rounds 100000 --threads 2 >/tmp/victims 2>&1
    victim=$begun
    # It is killed first.
    echo 1000 >"/proc/$victim/oom_score_adj"
    swapping=$(vmstat pswpout)
    goes_on() { [ "$(vmstat pswpout)" -ge $((swapping + 500)) ]; }
    within 60 goes_on || fail "nothing is swapped: $(cat /tmp/victims)"
    echo f >/proc/sysrq-trigger
    ends 60 "$victim" && fail "it was not killed"
    expect "processes killed" $(($(vmstat oom_kill) - killed)) 1
    ! grep -E "wrong byte|read error" /tmp/victims || fail "see above"
    kill -0 $pid || fail "who holds the least was killed"
    lives_on "the machine's own kill"

    release
    expect_empty
done
step "$round round(s), $(vmstat oom_kill) processes killed"
rmdir $others
remove $disk
dmsetup remove little
stop
