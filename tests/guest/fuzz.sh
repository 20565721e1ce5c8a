# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# Calls on the attributes and the node that nobody should make, by several processes at once:
# first by a user without rights, who changes nothing, then by root, while pages are swapped and
# compared. MINUTES sets the duration (some seconds by default); SEED repeats a run.
# memory: 384
# disks: 448,448
# shellcheck source=tests/guest/disks.sh
. /tests/disks.sh

seed=${SEED:-$(od -An -N2 -tu2 /dev/urandom | tr -d ' ')}
seconds=$((${MINUTES:-0} > 0 ? ${MINUTES:-0} * 20 : 6))
step "seed $seed"

# settings: what only root may change.
settings() {
    for attribute in size ram_limit comp_algorithm high_watermark low_watermark writeback_limit; do
        echo "$attribute $(cat $class/$attribute)"
    done
    cut -d' ' -f1-2 $class/tiers
    stat -c '%n %a %u %g' $class/* "$device"
}

# compared: compares pages once. The random ram_limit and writeback_limit may leave no room
# for them: then the group is out of memory because all stores fail, and for no other reason.
compared() {
    refused=$(value failed_stores)
    limited "$(scaled 6)" pagecheck --size "$(scaled 12)" --mix same=20,compressible=40,random=40 --threads 2 --seed "$seed" || {
        expect "pagecheck's status" $? 137
        holds "stores that failed before it was killed" "$(value failed_stores)" -gt "$refused"
    }
}

# swap_on: swaps pages in and out, within a cgroup, until swap_off.
swap_on() {
    : >/tmp/going
    while [ -e /tmp/going ]; do
        compared
    done &
    pid=$!
}

swap_off() {
    rm /tmp/going
    finished "$pid"
}

# fuzz_as USER [OPTION...]
fuzz_as() {
    step "as $*"
    fuzz --user "$@" --seconds $seconds --seed "$seed" --node "$device" >/tmp/fuzz-says 2>&1 || fail "$(cat /tmp/fuzz-says)"
    step "$(cat /tmp/fuzz-says)"
}

[ "$(id -u)" = 0 ] || fail "this is for root"
load size_mib=1024 ram_limit_mib="$(scaled 8)"
# One that is always there, has room for everything, and that the fuzzer does not know.
add /dev/pmem1 -5
make_disk one /dev/pmem0
loop=$(loop /taken $((2 * least)))
swapon "$device"
before=$(settings)

swap_on
fuzz_as nobody
expect "the settings" "$(settings)" "$before"
fuzz_as root --disk /dev/mapper/one --disk "$loop"
swap_off
[ -e "$device" ] || fail "$device is gone"
holds "disks" "$(grep -c . $class/tiers)" -ge 1
settled
expect "slots that were lost" "$(value lost_slots)" 0

step "earlier settings are still accepted"
echo $((16 * mib)) >$class/ram_limit
for disk in /dev/mapper/one "$loop"; do
    [ -z "$(tier "$disk" state)" ] || remove "$disk"
    add "$disk"
    remove "$disk"
done
swapped $(($(scaled 8) * 128)) limited "$(scaled 4)" pagecheck --size "$(scaled 8)" --mix random
expect_empty
swapoff "$device"

step "while it is swapped off"
fuzz_as root --disk /dev/mapper/one --disk "$loop"
# The node's pages show no trace of an older size.
echo 64M >$class/size
swapon "$device"
expect "KiB in /proc/swaps" "$(awk -v path="$device" '$1 == path { print $3 }' /proc/swaps)" $((64 * 1024 - 4))
echo $((16 * mib)) >$class/ram_limit
swapped $(($(scaled 8) * 128)) limited "$(scaled 4)" pagecheck --size "$(scaled 8)" --mix random
expect_empty
for disk in /dev/mapper/one "$loop"; do
    [ -z "$(tier "$disk" state)" ] || remove "$disk"
done
dmsetup remove one || fail "the disk is still held"
losetup --detach "$loop"
rm /taken
remove /dev/pmem1
stop
