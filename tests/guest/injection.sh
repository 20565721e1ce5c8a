# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# Allocations and transfers of the module fail, everywhere: in each call that root
# makes, one after the other, and at random while pages are swapped, moved and read. A failing call
# returns an error, nothing is lost, and nothing is left. MINUTES sets the duration; SEED repeats a
# run (except for the kernel's own random numbers).
# memory: 384
# disks: 448,448
# kernel: kasan kcsan
# allowed: Read-error on swap-device
# shellcheck source=tests/guest/disks.sh
. /tests/disks.sh

seed=${SEED:-$(od -An -N2 -tu2 /dev/urandom | tr -d ' ')}
seconds=$((${MINUTES:-0} > 0 ? ${MINUTES:-0} * 10 : 3))
step "seed $seed"
debug=/sys/kernel/debug
kinds="failslab fail_page_alloc fail_make_request"
many=1000000000
disk=/dev/mapper/disk

# set_of KIND NAME VALUE
set_of() { echo "$3" >"$debug/$1/$2"; }

# injected: the number of faults so far.
injected() {
    injected_sum=0
    for kind in $kinds; do
        injected_sum=$((injected_sum + many - $(cat "$debug/$kind/times")))
    done
    echo $injected_sum
}

# allocations_fail PERCENT: those of the module, in any task.
allocations_fail() {
    for kind in failslab fail_page_alloc; do
        set_of "$kind" probability "$1"
    done
}

# transfers_fail PERCENT: those of /dev/mapper/disk.
transfers_fail() { set_of fail_make_request probability "$1"; }

# in_turn OPTION... CALL...: see tests/programs/src/nth.rs.
in_turn() {
    nth --seconds "$seconds" --seed "$seed" "$@" >/tmp/nth-says 2>&1 || fail "nth $*: $(cat /tmp/nth-says)"
    step "$*: $(cat /tmp/nth-says)"
}

# may_fail ERRORS ATTRIBUTE TEXT: it is accepted, or refused with one of them, a pattern.
may_fail() {
    # shellcheck disable=SC2016 # expanded inside
    sh -c 'echo "$2" >"$1"' sh "$class/$2" "$3" 2>/tmp/refusal && return
    grep -qE "$1" /tmp/refusal || fail "$2 said to '$3': $(cat /tmp/refusal)"
}
no_memory="Cannot allocate memory"
# Without memory to look it up, it is not recognized as one of vswap's own.
there="File exists|Device or resource busy"

for kind in $kinds; do
    [ -d "$debug/$kind" ] || fail "there is no $debug/$kind"
    set_of "$kind" probability 0
    set_of "$kind" interval 1
    set_of "$kind" times $many
    set_of "$kind" verbose 0
    set_of "$kind" task-filter N
    set_of "$kind" stacktrace-depth 32
done
for kind in failslab fail_page_alloc; do
    set_of "$kind" ignore-gfp-wait N
done
set_of fail_page_alloc ignore-gfp-highmem N
set_of fail_page_alloc min-order 0
# Only requests of modules, whose code lies close together.
insmod /vswap.ko
address=$(awk '$1 == "vswap" { print $6 }' /proc/modules)
rmmod vswap
for kind in failslab fail_page_alloc; do
    set_of "$kind" require-start "$(printf '0x%x' $((address & ~0x1ffffff)))"
    set_of "$kind" require-end "$(printf '0x%x' $(((address & ~0x1ffffff) + 0x4000000)))"
done

step "one after the other"
in_turn load /vswap.ko "size_mib=64 ram_limit_mib=16"
load size_mib=1024 ram_limit_mib="$(scaled 8)"
in_turn swapon "$device"
make_disk disk /dev/pmem0
in_turn write $class/tier_add $disk $class/tier_remove $disk
in_turn write $class/tier_add "/dev/pmem1 3" $class/tier_remove /dev/pmem1
# All of them: there are few of each kind.
shorter=$seconds seconds=60
in_turn write $class/tier_add "/dev/pmem1 3 encrypt integrity" $class/tier_remove /dev/pmem1
seconds=$shorter
add $disk 1
add /dev/pmem1
swapon "$device"
hold_out --size "$(scaled 16)" --mix compressible=60,random=40 --pageout --seed 1
in_turn write $class/recompress all
in_turn --error "No space left" write $class/writeback all
in_turn write $class/tier_remove $disk $class/tier_add "$disk 1"
in_turn write $class/comp_algorithm zstd $class/comp_algorithm lz4
in_turn write $class/ram_limit 16M $class/ram_limit "$(scaled 8)M"
step "all comes back when it is swapped off"
allocations_fail 60
swapoff "$device" || fail "it can't be swapped off"
allocations_fail 0
release
expect_empty
swapon "$device"
in_turn swapoff "$device"

# As the device mapper calls it.
for name in /sys/block/dm-*/dm/name; do
    [ "$(cat "$name")" != disk ] || echo 1 >"${name%/dm/name}/make-it-fail"
done

round=0
until=$(($(cut -d. -f1 /proc/uptime) + ${MINUTES:-0} * 60))
while [ $round = 0 ] || [ "$(cut -d. -f1 /proc/uptime)" -lt $until ]; do
    round=$((round + 1))
    for percent in 5 50; do
        step "allocations of pages that come and go, $percent percent"
        allocations_fail $percent
        pagecheck --size "$(scaled 8)" --mix same=10,compressible=50,random=40 --rounds 1 --threads 2 --pageout --fork --seed $((seed + round)) >/tmp/held-says 2>&1 ||
            fail "pagecheck: $(cat /tmp/held-says)"
        allocations_fail 0
        expect_empty
    done

    step "allocations of movers"
    begin_limited "$(scaled 10)" pagecheck --size "$(scaled 16)" --mix same=10,compressible=50,random=40 --rounds 100000 --seed $((seed + round)) >/tmp/swapping 2>&1
    ended=$(($(cut -d. -f1 /proc/uptime) + 2 * seconds))
    allocations_fail 20
    while [ "$(cut -d. -f1 /proc/uptime)" -lt $ended ]; do
        may_fail "$no_memory|No space left" writeback all
        may_fail "$no_memory" recompress all
        may_fail "$no_memory|No space left|No such file" tier_remove $disk
        may_fail "$no_memory|$there" tier_add "$disk 1"
        may_fail "$no_memory|No space left|No such file" tier_remove /dev/pmem1
        may_fail "$no_memory|$there" tier_add /dev/pmem1
        cat $class/stat $class/tiers >/dev/null
    done
    allocations_fail 0
    kill -0 "$begun" || fail "pagecheck ended: $(cat /tmp/swapping)"
    killed "$begun"
    ! grep -E "wrong byte|read error" /tmp/swapping || fail "see above"
    [ -n "$(tier $disk state)" ] || add $disk 1
    [ -n "$(tier /dev/pmem1 state)" ] || add /dev/pmem1
    expect_empty

    step "all allocations of a call, in any task"
    for kind in failslab fail_page_alloc; do
        set_of "$kind" task-filter Y
        set_of "$kind" require-start 0
        set_of "$kind" require-end 0xffffffffffffffff
    done
    allocations_fail 3
    for _ in 1 2 3 4 5 6 7 8; do
        # It may not even get that far.
        # shellcheck disable=SC2016 # expanded inside
        sh -c 'echo 1 >/proc/self/make-it-fail && { echo "$2" >"$1/tier_remove"; echo "$2" >"$1/tier_add"; echo all >"$1/writeback"; cat "$1/stat"; }' \
            sh $class $disk >/dev/null 2>&1 || true
    done
    allocations_fail 0
    for kind in failslab fail_page_alloc; do
        set_of "$kind" task-filter N
        set_of "$kind" require-start "$(printf '0x%x' $((address & ~0x1ffffff)))"
        set_of "$kind" require-end "$(printf '0x%x' $(((address & ~0x1ffffff) + 0x4000000)))"
    done
    [ -n "$(tier $disk state)" ] || add $disk 1

    step "transfers to a disk"
    echo 0 >$class/ram_limit
    transfers_fail 10
    hold_out --size "$(scaled 8)" --mix random --pageout --may-lose --seed $((seed + round)) >/tmp/held-says
    transfers_fail 0
    settled
    holds "errors" "$(tier $disk errors)" -gt 0
    release_some
    expect "pages that were lost as they were written" "$lost" 0

    step "transfers from a disk"
    remove $disk
    add $disk 1
    hold_out --size "$(scaled 8)" --mix random --pageout --may-lose --seed $((seed + round)) >/tmp/held-says
    settled
    transfers_fail 5
    release_some
    holds "pages that could not be read" "$lost" -le $(($(scaled 8) * per_mib / 2))
    step "a disk that can't be read is drained"
    hold_out --size "$(scaled 4)" --mix random --pageout --may-lose --seed $((seed + round)) >/tmp/held-says
    may_fail "Input/output error" tier_remove $disk
    transfers_fail 0
    release_some
    # A page that could not be read stays in the swap cache until memory is needed.
    if [ -n "$(tier $disk state)" ]; then
        remove "$disk force"
    fi
    add $disk 1
    echo "$(scaled 8)M" >$class/ram_limit
    step "$(cat $class/tiers)"
done

holds "faults" "$(injected)" -ge 100
echo "result: injection: $(injected) faults injected, in $round round(s)"
swapoff "$device"
expect_empty
remove $disk
remove /dev/pmem1
dmsetup remove disk
unload
