# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# Another machine's memory as a disk, over NBD: used, drained, and lost with its server.
# memory: 384
# disks: 448,448
# allowed: Read-error on swap-device
# shellcheck source=tests/guest/disks.sh
. /tests/disks.sh

size=$(scaled 24)
dd if=/dev/zero of=/taken bs=1M count=$((2 * size)) 2>/dev/null
serve /taken
connect

load size_mib=1024 ram_limit_mib=4
to_disks
add /dev/nbd0
swapon "$device"
step "used"
swapped $(($(scaled 10) * 128)) limited "$(scaled 6)" pagecheck --size "$(scaled 10)" --mix same=10,compressible=20,random=70
holds "bytes written" "$(tier /dev/nbd0 written)" -gt $(($(scaled 10) * mib / 4))
expect "failed stores" "$(value failed_stores)" 0

step "drained"
hold_out --size "$size" --mix random --pageout
settled
holds "bytes over there" "$(tier /dev/nbd0 used)" -ge $((size * mib * 90 / 100))
add /dev/pmem0
remove /dev/nbd0
settled
release
expect_empty
remove /dev/pmem0

step "the server dies"
add /dev/nbd0
hold_out --size "$size" --mix random --pageout --may-lose >/tmp/held-says
settled
add /dev/pmem0 -1
stop_server
# Pages swapped out from now on must not be lost.
limited "$(scaled 6)" pagecheck --size "$(scaled 12)" --mix random --rounds 1 --seed 2 &
other=$!
ends 200 $other || fail "pagecheck ended with status $?"
release_some
holds "pages that could not be read" "$lost" -gt 0
timeout 120 sh -c "echo '/dev/nbd0 force' >$class/tier_remove" || fail "it can't be removed by force"
expect "what is listed of it" "$(tier /dev/nbd0 state)" ""
expect_empty
remove /dev/pmem0
stop
nbd-client -d /dev/nbd0 >/dev/null
rm /taken
