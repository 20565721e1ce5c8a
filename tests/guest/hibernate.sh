# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# The machine is hibernated to a swap partition and comes back from its image, while pages are
# swapped to memory and to disks: everything in use before is there afterwards. With nothing but the
# device to hibernate to, hibernation is refused, and nothing is lost either.
# memory: 384
# disks: 448,448
# kernel: stock
# shellcheck source=tests/guest/disks.sh
. /tests/disks.sh

# From the image as it was written, without a boot in between.
echo test_resume >/sys/power/disk 2>/dev/null || fail "this kernel can't be hibernated: $(cat /sys/power/disk)"

# Half of the memory has to be free, which it is not with pages of 16 KiB.
if [ $page != 4096 ]; then
    step "not in a guest this small"
    exit 0
fi
load size_mib=1024 ram_limit_mib="$(scaled 8)"
add /dev/pmem1
swapon -p 10 "$device"
hold --size "$(scaled 16)" --mix compressible=50,random=50 --pageout

# begin_swapping SEED: a process swaps all the time.
begin_swapping() {
    begin_limited "$(scaled 6)" pagecheck --size "$(scaled 16)" --mix same=20,compressible=40,random=40 --threads 2 --rounds 100000 --seed "$1" >/tmp/swapping 2>&1
    goes_on_swapping
}
goes_on_swapping() {
    swapping=$(vmstat pswpout)
    within 30 has_swapped || fail "nothing is swapped: $(cat /tmp/swapping)"
}
has_swapped() { [ "$(vmstat pswpout)" -ge $((swapping + 100)) ]; }
end_swapping() {
    goes_on_swapping
    killed "$begun"
    ! grep -E "wrong byte|read error" /tmp/swapping || fail "see above"
}

step "there is nothing to hibernate to"
begin_swapping 1
if echo disk >/sys/power/state 2>/tmp/said; then
    fail "there is no room for an image, and it was hibernated"
fi
step "$(cat /tmp/said)"
end_swapping

mkswap /dev/pmem0 >/dev/null
swapon -p 1 /dev/pmem0
cat /sys/class/block/pmem0/dev >/sys/power/resume
for number in 2 3; do
    step "hibernated"
    begin_swapping $number
    used=$(value used_slots)
    echo disk >/sys/power/state || fail "the machine can't be hibernated"
    holds "slots in use" "$(value used_slots)" -ge $((used / 4))
    end_swapping
done
settled
expect "failed stores" "$(value failed_stores)" 0
expect "lost slots" "$(value lost_slots)" 0
release
swapoff /dev/pmem0
# To make room for the image, pages of all processes were reclaimed.
swapoff "$device"
expect_empty
remove /dev/pmem1
unload
