# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# Disks that fail: pages that can't be written go elsewhere, a page that can't be read is an error
# for its reader alone, and a dead disk can be removed.
# memory: 384
# disks: 448,448
# allowed: Read-error on swap-device
# shellcheck source=tests/guest/disks.sh
. /tests/disks.sh

size=$(scaled 24)
disk=/dev/mapper/disk

# nearly_empty: nothing is in use except for pages that could not be read. Such a page stays in the
# swap cache until memory is needed, with any swap device.
nearly_empty() {
    settled
    holds "slots in use" "$(value used_slots)" -le 16
}

load size_mib=1024 ram_limit_mib=0
swapon "$device"
make_disk disk /dev/pmem0

step "writes fail, and the pages go to another disk"
add $disk 10
add /dev/pmem1
limited "$(scaled 8)" pagecheck --size "$size" --mix random --rounds 4 &
pid=$!
sleep 1
retried=$(value retried_pages)
dmesg -c >/dev/null
turn disk /dev/pmem0 no-writes
failed_state() { tier_is $disk state failed; }
within 60 failed_state || fail "it is still in service: $(cat $class/tiers)"
ends 240 $pid || fail "pagecheck ended with status $?"
step "$(cat $class/tiers)"
holds "lines in the log" "$(reasons | grep -c "$disk")" -ge 1
holds "pages written elsewhere" $(($(value retried_pages) - retried)) -gt 0
holds "errors" "$(tier $disk errors)" -gt 0
holds "bytes that are bad" "$(tier $disk bad)" -gt 0
expect "failed stores" "$(value failed_stores)" 0
expect_empty
turn disk /dev/pmem0 healthy
remove $disk

step "a worn place"
worn /dev/pmem0 3 1 | replace_table disk
add $disk 10
bad=1
for seed in 1 2; do
    hold_out --size "$size" --mix random --pageout --seed $seed
    settled
    # Bad slots stay bad.
    holds "bytes that are bad" "$(tier $disk bad)" -ge "$bad"
    bad=$(tier $disk bad)
    holds "bytes that are bad" "$bad" -le $((2 * mib))
    release
    expect_empty
done
expect "failed stores" "$(value failed_stores)" 0
remove $disk
turn disk /dev/pmem0 healthy

step "reads fail: an error for the reader"
add $disk 10
hold_out --size 4 --mix random --pageout >/tmp/held-says 2>&1
settled
turn disk /dev/pmem0 no-reads
rm /tmp/held
within 60 gone "$pid" || fail "the reader hangs"
wait "$pid" && fail "pages could be read that can't be"
grep -q "read error (SIGBUS)" /tmp/held-says || fail "the reader said: $(cat /tmp/held-says)"
# No other process gets any of it.
turn disk /dev/pmem0 healthy
swapped $(($(scaled 8) * 128)) limited "$(scaled 4)" pagecheck --size "$(scaled 8)" --mix random --rounds 1
nearly_empty
remove $disk

step "some reads fail: the other pages are right"
add $disk 10
hold_out --size "$size" --mix random --pageout --may-lose >/tmp/held-says
settled
worn /dev/pmem0 2 2 | replace_table disk
release_some
holds "pages that could not be read" "$lost" -gt 0
holds "pages that could not be read" "$lost" -le 512
holds "errors" "$(tier $disk errors)" -gt 0
turn disk /dev/pmem0 healthy
nearly_empty
remove $disk

step "a slow disk"
add $disk 10
turn disk /dev/pmem0 slow 10
limited "$(scaled 8)" pagecheck --size "$(scaled 12)" --mix random --threads 2 &
pid=$!
ends 200 $pid || fail "pagecheck ended with status $?"
turn disk /dev/pmem0 healthy
nearly_empty
remove $disk

step "a dead disk: its pages are abandoned"
add $disk 10
hold_out --size "$size" --mix random --pageout --may-lose >/tmp/held-says
settled
turn disk /dev/pmem0 dead
dmesg -c >/dev/null
refused "Input/output error" timeout 120 sh -c "echo $disk >$class/tier_remove"
step "$(reasons)"
reasons | grep -q "$disk: [0-9]* pages .*force" || fail "the log does not say how many, and what can be done: $(reasons)"
[ -n "$(tier $disk state)" ] || fail "it is gone"
timeout 120 sh -c "echo '$disk force' >$class/tier_remove" || fail "it can't be removed by force"
expect "what is listed of the disk" "$(tier $disk state)" ""
settled
holds "slots that are lost" "$(value lost_slots)" -ge $((size * per_mib * 90 / 100))
release_some
holds "pages that could not be read" "$lost" -ge $((size * per_mib * 90 / 100))
# The device mapper makes it healthy again.
dmsetup remove disk || fail "the disk is still held"
swapped $(($(scaled 8) * 128)) limited "$(scaled 4)" pagecheck --size "$(scaled 8)" --mix random --rounds 1
nearly_empty

step "a disk that is pulled out"
loop=$(loop /taken 16)
add "$loop" 10
hold_out --size 8 --mix random --pageout --may-lose >/tmp/held-says
settled
# Beneath the loop device: its data is no longer there.
: >/taken
release_some
holds "pages that could not be read" "$lost" -gt 0
nearly_empty
timeout 120 sh -c "echo '$loop force' >$class/tier_remove" || fail "it can't be removed by force"
losetup --detach "$loop"
rm /taken
stop
