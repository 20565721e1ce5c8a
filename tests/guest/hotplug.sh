# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# A processor goes offline and comes back while pages are swapped.
# memory: 256
# shellcheck source=tests/guest/lib.sh
. /tests/lib.sh

cpu=/sys/devices/system/cpu/cpu1/online
start size_mib=1024
limited "$(scaled 12)" pagecheck --size "$(scaled 30)" --threads 4 --rounds 2 &
pid=$!
changes=0
while kill -0 $pid 2>/dev/null; do
    echo 0 >$cpu
    sleep 0.2
    echo 1 >$cpu
    sleep 0.2
    changes=$((changes + 1))
done
echo 1 >$cpu
finished $pid
holds "changes" $changes -ge 3
stop
