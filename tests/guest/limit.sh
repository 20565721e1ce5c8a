# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# When the memory that the device may use is full, pages stay where they are, and nothing
# is lost.
# memory: 256
# shellcheck source=tests/guest/lib.sh
. /tests/lib.sh

mib=$((1 << 20))

# What is allocated beyond the limit is given back at once, but may be seen meanwhile: a
# zspage, of 8 pages, for each CPU.
slack=$(($(nproc) * 8 * 4096))

# sample LIMIT: until its file is gone, sees that the pool isn't larger than LIMIT, but for
# the slack.
sample() {
    : >/tmp/sampling
    while [ -e /tmp/sampling ]; do
        now=$(value pool_bytes)
        [ "$now" -le $(($1 + slack)) ] || echo "$now" >/tmp/exceeded
        sleep 0.05
    done
}

# sampled LIMIT COMMAND...: COMMAND has to succeed, with the pool sampled meanwhile.
sampled() {
    sampled_limit=$1
    shift
    sample "$sampled_limit" &
    sampler=$!
    "$@" || fail "'$*' ended with status $?"
    rm /tmp/sampling
    finished $sampler
    [ ! -e /tmp/exceeded ] || fail "the pool had $(cat /tmp/exceeded) bytes, with a limit of $sampled_limit"
}

# fill MIB: as much random memory, held with what went out of it.
fill() {
    pagecheck --size "$1" --mix random --pageout --rounds 1 --threads 2 --hold /tmp/held &
    pid=$!
    held /tmp/held
}

# checked: what is held is compared, rewritten and pushed out again.
checked() {
    rm /tmp/held
    finished $pid
}

load size_mib=1024 ram_limit_mib=16
for nonsense in many -1 $(($(meminfo MemTotal) * 1024 + 4096)) "" 18446744073709551616; do
    refused "Invalid argument" sh -c "echo '$nonsense' >$class/ram_limit"
    expect ram_limit "$(cat $class/ram_limit)" $((16 * mib))
done
limit=$(($(scaled 16) * mib))
echo "$limit" >$class/ram_limit
swapon "$device"

step "random pages, three times as much as the limit"
sampled "$limit" fill "$(scaled 48)"
holds "failed stores" "$(value failed_stores)" -gt 0
holds "bytes in the pool at rest" "$(value pool_bytes)" -le "$limit"
# Nothing else takes memory now, so the pool is as full as it may be.
holds "bytes in the pool at rest" "$(value pool_bytes)" -gt $((limit - slack))
sampled "$limit" checked
expect_empty

step "raised live"
echo $((4 * limit)) >$class/ram_limit
failed=$(value failed_stores)
sampled $((4 * limit)) fill "$(scaled 40)"
expect "stores that failed below the limit" "$(value failed_stores)" "$failed"
pool=$(value pool_bytes)
holds "bytes in the pool" "$pool" -gt "$limit"

step "lowered live, below what the pool has"
echo $((limit / 2)) >$class/ram_limit
expect ram_limit "$(cat $class/ram_limit)" $((limit / 2))
expect "bytes in the pool" "$(value pool_bytes)" "$pool"
sampled "$pool" checked
holds "failed stores" "$(value failed_stores)" -gt "$failed"
expect_empty

step "same-filled pages at the limit need none of it"
echo 0 >$class/ram_limit
failed=$(value failed_stores)
fill 1
holds "failed stores" "$(value failed_stores)" -gt "$failed"
expect "bytes in the pool" "$(value pool_bytes)" 0
checked
failed=$(value failed_stores)
# An entry holds no arbitrary word, so not all of them are stored.
swapped $(($(scaled 32) * 256 * 3 / 4)) pagecheck --size "$(scaled 32)" --mix same --pageout
same=$(($(value failed_stores) - failed))
holds "failed stores" $same -le $(($(scaled 32) * 256 / 4))
stop
