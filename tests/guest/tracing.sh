# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# The tracepoints report what happens to pages.
# memory: 384
# disks: 448,448
# shellcheck source=tests/guest/disks.sh
. /tests/disks.sh

tracing=/sys/kernel/tracing
mount -t tracefs trace $tracing 2>/dev/null || true
if [ ! -d $tracing/events ]; then
    step "this kernel has no tracing"
    exit 0
fi
echo 16384 >$tracing/buffer_size_kb

# traced EVENT [PATTERN]: how many events of that kind there were, with that in their text.
traced() { grep -c "vswap_$1: .*${2:-}" $tracing/trace || true; }

load size_mib=1024 ram_limit_mib=128
swapon "$device"
for event in store load store_failed writeback drain io_error; do
    [ -d $tracing/events/vswap/vswap_$event ] || fail "there is no event vswap_$event"
done
echo 1 >$tracing/events/vswap/enable

step "pages are stored and read"
hold --size 8 --mix same=50,compressible=50 --pageout
holds "stores of same-filled pages" "$(traced store 'tier=same bytes=0')" -ge 700
holds "stores in memory" "$(traced store 'tier=ram bytes=')" -ge 700
expect "stores on disks" "$(traced store tier=disk)" 0
release
holds "reads of same-filled pages" "$(traced load 'tier=same bytes=0')" -ge 700
holds "reads from memory" "$(traced load 'tier=ram bytes=')" -ge 700

step "pages are written back, and read from a disk"
add /dev/pmem0
echo >$tracing/trace
hold --size 8 --mix compressible --pageout
tell writeback all
written=$(sed -n 's/.*vswap_writeback: cluster=[0-9]* pages=\([0-9]*\) error=0$/\1/p' $tracing/trace |
    awk '{ sum += $1 } END { print sum + 0 }')
expect "pages written back" "$written" "$(value written_back_pages)"
holds "pages written back" "$written" -ge 1500

step "a disk is drained"
add /dev/pmem1
remove /dev/pmem0
drained=$(sed -n 's/.*vswap_drain: cluster=[0-9]* pages=\([0-9]*\) error=0$/\1/p' $tracing/trace |
    awk '{ sum += $1 } END { print sum + 0 }')
expect "pages drained" "$drained" "$(value drained_pages)"
release
# Some have been stored in the ram tier again, some are on the other disk.
holds "reads" "$(traced load)" -ge 1500

step "off, nothing is traced"
echo 0 >$tracing/events/vswap/enable
echo >$tracing/trace
hold --size 8 --mix compressible --pageout
release
expect "events" "$(traced '')" 0

remove /dev/pmem1
swapoff "$device"
rmmod vswap
