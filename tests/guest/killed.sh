# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# Processes that are killed while they swap leave nothing behind.
# memory: 256
# shellcheck source=tests/guest/lib.sh
. /tests/lib.sh

start size_mib=1024
for seed in 1 2 3; do
    step "SIGKILL, the $seed. time"
    limited "$(scaled 8)" pagecheck --size "$(scaled 24)" --rounds 100000 --threads 2 --seed $seed --hold /tmp/held &
    pid=$!
    held /tmp/held
    rm /tmp/held
    sleep 0.$((seed * 3))
    killall -9 pagecheck
    wait $pid && fail "it was not killed"
    expect_empty
done
step "out of the cgroup's memory"
echo "$(scaled 8)M" >$group/memory.swap.max
kills=$(sed -n 's/^oom_kill //p' $group/memory.events)
limited "$(scaled 8)" pagecheck --size "$(scaled 32)" --threads 2 && fail "it was not killed"
holds "kills" "$(sed -n 's/^oom_kill //p' $group/memory.events)" -gt "$kills"
echo max >$group/memory.swap.max
expect_empty
stop
