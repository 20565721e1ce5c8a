# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# A disk is drained while its pages are in use; the drain is watched, cancelled and
# interrupted, and without room for its pages, the disk stays. Only pages that can't be read are
# lost, and only by force.
# memory: 384
# disks: 448,448
# allowed: Read-error on swap-device
# shellcheck source=tests/guest/disks.sh
. /tests/disks.sh

# Some clusters are left when half of it has been moved.
size=$(scaled 32)
# Half of it is a disk.
[ "$size" -ge $((2 * least)) ] || size=$((2 * least))
[ "$size" -ge 16 ] || size=16
disk=/dev/mapper/disk

# removing DISK: removes it in the background, as $remover.
removing() {
    # shellcheck disable=SC2016 # expanded inside
    sh -c 'echo "$1" >"$2"' sh "$1" $class/tier_remove 2>/tmp/removal &
    remover=$!
}

# stays DISK: it is in service, with all its pages.
stays() {
    # Once nobody reads any more what was moved away from it.
    within 60 tier_is "$1" state active || fail "it is not in service: $(cat $class/tiers)"
    expect "signs of a removal" "$(tier "$1" drained)" ""
    expect "label of the signature" "$(blkid -p -o value -s LABEL "$1")" vswap0-tier
}

# unreliable ONCE: adds /dev/unreliable, a small disk which will fail each time where it turns_bad, or
# once.
sectors_a_page=$((page / 512))
unreliable=/sys/kernel/config/nullb/unreliable
unreliable() {
    mkdir $unreliable
    echo $((2 * least)) >$unreliable/size
    echo 1 >$unreliable/memory_backed
    echo "$1" >$unreliable/badblocks_once
    echo 1 >$unreliable/power
    add /dev/unreliable
}

# turns_bad FIRST-LAST...: those slots of it do.
turns_bad() {
    for range; do
        echo "+$((${range%-*} * sectors_a_page))-$(((${range#*-} + 1) * sectors_a_page - 1))" >$unreliable/badblocks
    done
}

load size_mib=1024 ram_limit_mib=4
to_disks
swapon "$device"
make_disk disk /dev/pmem0

step "nothing is read back into the processes that have the pages"
add $disk
hold_out --size "$size" --mix random --pageout
settled
holds "bytes on the disk" "$(tier $disk used)" -ge $((size * mib * 97 / 100))
add /dev/pmem1
swapped_in=$(vmstat pswpin) drained=$(value drained_pages)
remove $disk
settled
expect "pages that were swapped in" "$(vmstat pswpin)" "$swapped_in"
expect "what is listed of the disk" "$(tier $disk state)" ""
holds "pages drained" $(($(value drained_pages) - drained)) -ge $((size * per_mib * 97 / 100))
holds "bytes on the other disk" "$(tier /dev/pmem1 used)" -ge $((size * mib * 97 / 100))
expect "label of the signature" "$(blkid -p -o value -s LABEL $disk || true)" ""
release
expect_empty

step "watched and cancelled"
remove /dev/pmem1
add $disk
hold_out --size "$size" --mix random --pageout
settled
used=$(tier $disk used)
add /dev/pmem1 -1
# It gets that far, and is stopped at the next extent.
slow_from /dev/pmem0 $((size / 2)) 20000 | replace_table disk
removing $disk
within 60 draining $disk || fail "it does not begin: $(cat $class/tiers)"
drained=$(tier $disk drained)
goal=${drained#*/}
holds "bytes to drain" "$goal" -le "$used"
holds "bytes drained" "${drained%/*}" -lt "$goal"
refused "Device or resource busy" sh -c "echo $disk >$class/tier_remove"
# A refused removal does not undo what the other one has done.
drained=$(tier $disk drained)
expect "bytes to drain" "${drained#*/}" "$goal"
tell tier_cancel $disk
turn disk /dev/pmem0 healthy
ends 60 $remover && fail "the removal succeeded"
case $(cat /tmp/removal) in
*"Operation canceled"*) ;;
*) fail "the removal said '$(cat /tmp/removal)'" ;;
esac
stays $disk
refused "Invalid argument" sh -c "echo $disk >$class/tier_cancel"
step "in service again"
used=$(tier $disk used)
pagecheck --size "$(scaled 8)" --mix random --pageout --seed 2 --hold /tmp/held-too &
other=$!
held /tmp/held-too
more_on_it() { [ "$(tier $disk used)" -ge $((used + $(scaled 8) * mib * 90 / 100)) ]; }
eventually more_on_it || fail "new pages go elsewhere: $(cat $class/tiers)"
rm /tmp/held-too
finished $other

step "interrupted"
slow_from /dev/pmem0 1 1000 | replace_table disk
timeout -s INT 2 sh -c "echo $disk >$class/tier_remove" && fail "the removal succeeded"
stays $disk
turn disk /dev/pmem0 healthy
remove $disk
release
expect_empty
remove /dev/pmem1

step "too little room"
add $disk
little=$((size / 2))
slice little /dev/pmem1 0 "$little"
hold_out --size "$size" --mix random --pageout
settled
add /dev/mapper/little
dmesg -c >/dev/null
refused "No space left on device" sh -c "echo $disk >$class/tier_remove"
step "$(reasons)"
missing=$(reasons | grep -o '[0-9][0-9]* bytes' | head -n 1 | cut -d' ' -f1)
holds "bytes that are missing" "${missing:-0}" -ge $(((size - little - 6) * mib))
holds "bytes that are missing" "${missing:-0}" -le $((size * mib))
# It did not begin.
expect "bytes on the other disk" "$(tier /dev/mapper/little used)" 0
stays $disk
settled
refused "No space left on device" sh -c "echo $disk >$class/tier_remove"
release
expect_empty
remove /dev/mapper/little
dmsetup remove little

step "pages that can't be read"
modprobe null_blk nr_devices=0
mount -t configfs none /sys/kernel/config
remove $disk
# With a ram tier they go page by page, and without one as whole clusters.
for limit in $((4 * mib)) 0; do
    echo $limit >$class/ram_limit
    unreliable 0
    hold_out --size $((2 * least + 2)) --mix random --pageout --may-lose >/tmp/held-says
    settled
    # The last pages that find no room may come 32 at a time, and all stay in memory then.
    holds "bytes that are free" $(($(tier /dev/unreliable size) - $(tier /dev/unreliable used))) -lt $((32 * page))
    add $disk
    # One extent has some of them, and many others.
    turns_bad 1000-1000 1002-1003 1040-1040 1900-1900
    dmesg -c >/dev/null
    refused "Input/output error" sh -c "echo /dev/unreliable >$class/tier_remove"
    step "$(reasons)"
    unreadable=$(reasons | sed -n "s/.*: \([0-9]*\) pages can't be read.*/\1/p")
    holds "pages that can't be read" "${unreadable:-0}" -ge 2
    holds "pages that can't be read" "$unreadable" -le 5
    within 60 tier_is /dev/unreliable state active || fail "it is not in service: $(cat $class/tiers)"
    settled
    expect "bytes on it" "$(tier /dev/unreliable used)" $((unreadable * page))
    remove /dev/unreliable force
    settled
    expect "slots that are lost" "$(value lost_slots)" "$unreadable"
    release_some
    expect "pages that are lost" "$lost" "$unreadable"
    expect_empty
    rmdir $unreliable
    remove $disk

    step "pages that can't be read the first time"
    unreliable 1
    hold_out --size $((2 * least + 2)) --mix random --pageout
    settled
    add $disk
    turns_bad 1000-1001 1900-1900
    remove /dev/unreliable
    # Each of them has failed, once.
    expect "slots that would fail" "$(cat $unreliable/badblocks)" ""
    settled
    release
    expect_empty
    rmdir $unreliable
    remove $disk
done
umount /sys/kernel/config
modprobe -r null_blk
echo $((4 * mib)) >$class/ram_limit
add $disk

step "to memory"
hold_out --size "$(scaled 8)" --mix random --pageout
settled
echo $((64 * mib)) >$class/ram_limit
holds "pages on the disk" "$(value disk_slots)" -ge $(($(scaled 8) * per_mib * 94 / 100))
remove $disk
settled
expect "pages on disks" "$(value disk_slots)" 0
holds "pages in memory" "$(value ram_slots)" -ge $(($(scaled 8) * per_mib * 94 / 100))
release
echo $((4 * mib)) >$class/ram_limit

failed=$(value failed_stores)
step "while pages and their processes come and go"
add $disk
add /dev/pmem1
limited "$(scaled 12)" pagecheck --size "$(scaled 32)" --mix same=10,compressible=30,random=60 --rounds 1 --threads 2 &
pid=$!
times=0
while ! gone $pid; do
    pagecheck --size "$(scaled 6)" --mix random --pageout --rounds 100000 --seed $times >>/tmp/killed 2>&1 &
    other=$!
    if [ $((times % 2)) = 0 ]; then
        one=$disk
    else
        one=/dev/pmem1
    fi
    remove $one
    killed $other
    add $one
    times=$((times + 1))
done
finished $pid
[ ! -s /tmp/killed ] || fail "those that were killed said: $(cat /tmp/killed)"
holds "times that a disk was emptied" $times -ge 2
step "$times disks emptied"
expect "failed stores" "$(value failed_stores)" "$failed"
expect_empty
remove $disk
remove /dev/pmem1
dmsetup remove disk
stop
