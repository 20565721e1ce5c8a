# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# A disk that does not answer: it gets no more than its quota, others take its place, operations
# on others succeed, and it comes back by itself. Nothing is lost.
# memory: 384
# disks: 448,448
# shellcheck source=tests/guest/disks.sh
. /tests/disks.sh

disk=/dev/mapper/disk
silence() { dmsetup suspend --nolockfs --noflush "$1"; }
is_stuck() { tier_is $disk state stuck; }
is_back() { tier_is $disk state active; }

# unheld NAME: nobody holds /dev/mapper/NAME, and it can be removed.
unheld() { dmsetup remove "$1" 2>/dev/null; }

# ordered ATTRIBUTE TEXT: writes that, in the background, as $ordered.
ordered() {
    # shellcheck disable=SC2016 # expanded inside
    sh -c 'echo "$2" >"$1"' sh "$class/$1" "$2" 2>/tmp/ordered &
    ordered=$!
}

load size_mib=1024 ram_limit_mib=0
swapon "$device"
slice first /dev/pmem0 0 224
slice second /dev/pmem0 224 64
slice third /dev/pmem0 288 64
make_disk disk /dev/mapper/first
make_disk worn /dev/mapper/second
add $disk 10
add /dev/pmem1
hold_out --size 8 --mix random --pageout
settled
holds "bytes on the disk" "$(tier $disk used)" -ge $((7 * mib))

step "others take what it does not"
used=$(tier $disk used)
silence disk
pagecheck --size 40 --mix random --pageout --seed 2 --hold /tmp/held-too &
other=$!
within 60 is_stuck || fail "it is not stuck: $(cat $class/tiers)"
step "$(cat $class/tiers)"
held /tmp/held-too
now=$(cut -d. -f1 /proc/uptime)
holds "since when it is stuck" "$(tier $disk stuck_since)" -lt "$now"
holds "since when it is stuck" "$(tier $disk stuck_since)" -gt $((now - 100))
# 48 writes, of 32 pages each.
quota=$((48 * 32 * page))
holds "bytes that it was given" $(($(tier $disk used) - used)) -le $((quota + 4 * mib))
holds "bytes on the other disk" "$(tier /dev/pmem1 used)" -ge $((34 * mib - quota))
used=$(tier $disk used)
swapped 2000 limited 64 pagecheck --size 12 --mix random --pageout --seed 3
expect "bytes that it was given when it was stuck" "$(tier $disk used)" "$used"

step "operations on other disks succeed meanwhile"
ordered tier_remove $disk
remover=$ordered
sleep 1
add /dev/mapper/third
ordered tier_remove /dev/mapper/third
ends 60 $ordered || fail "it can't be removed: $(cat /tmp/ordered)"
cat $class/tiers $class/stat >/dev/null
tell tier_cancel $disk
ends 60 $remover && fail "it could be removed"
# It is put back when it answers, as there may be readers of what was moved away.
refused "Device or resource busy" sh -c "echo $disk >$class/tier_remove"
# One whose signature can't even be erased.
add /dev/mapper/worn -5
silence worn
ordered tier_remove /dev/mapper/worn
sleep 2
kill -9 $ordered
ends 60 $ordered && fail "it could be removed"
expect "what is listed of it" "$(tier /dev/mapper/worn state)" ""
dmsetup resume worn
within 60 unheld worn || fail "what was removed is still held"
make_disk worn /dev/mapper/second
# One whose signature can't even be written.
make_disk fourth /dev/mapper/third
silence fourth
ordered tier_add /dev/mapper/fourth
adder=$ordered
sleep 1
slice fifth /dev/pmem0 352 16
ordered tier_add /dev/mapper/fifth
ends 60 $ordered || fail "it can't be added: $(cat /tmp/ordered)"
remove /dev/mapper/fifth
kill -9 $adder
ends 60 $adder && fail "it could be added"
dmsetup resume fourth
within 60 unheld fourth || fail "what was not added is still held"

step "it comes back"
dmsetup resume disk
within 60 is_back || fail "it does not come back: $(cat $class/tiers)"
expect "since when it is stuck" "$(tier $disk stuck_since)" ""
swapped 2000 limited 64 pagecheck --size 12 --mix random --pageout --seed 4
holds "bytes written to it" "$(tier $disk used)" -gt 0
rm /tmp/held-too
finished $other
release
expect_empty
expect "bytes that are bad" "$(tier $disk bad)" 0

step "pages that other disks fail to take do not wait for it"
add /dev/mapper/worn 20
turn worn /dev/mapper/second no-writes
silence disk
swapped 2000 limited 64 pagecheck --size 12 --mix random --pageout --seed 5 &
pid=$!
ends 90 $pid || fail "pagecheck ended with status $?"
turn worn /dev/mapper/second healthy
dmsetup resume disk
within 60 is_back || fail "it does not come back: $(cat $class/tiers)"
expect_empty
expect "failed stores" "$(value failed_stores)" 0
remove /dev/mapper/worn
remove $disk
remove /dev/pmem1
dmsetup remove disk worn first second third fifth
stop
