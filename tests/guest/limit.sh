# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# When the memory that the device may use is full, pages stay where they are, and nothing
# is lost.
# memory: 256
# shellcheck source=tests/guest/lib.sh
. /tests/lib.sh

mib=$((1 << 20))

# sample LIMIT: until its file is gone, sees that the pool isn't larger than LIMIT.
sample() {
    : >/tmp/sampling
    while [ -e /tmp/sampling ]; do
        now=$(value pool_bytes)
        [ "$now" -le "$1" ] || echo "$now" >/tmp/exceeded
        sleep 0.05
    done
}

within() {
    [ ! -e /tmp/exceeded ] || fail "$1: the pool had $(cat /tmp/exceeded) bytes"
}

load size_mib=1024 ram_limit_mib=16
for nonsense in many -1 $(($(meminfo MemTotal) * 1024 + 4096)) "" 18446744073709551616; do
    refused "Invalid argument" sh -c "echo '$nonsense' >$class/ram_limit"
    expect ram_limit "$(cat $class/ram_limit)" $((16 * mib))
done
swapon "$device"

step "random pages, three times as much as the limit"
sample $((16 * mib)) &
sampler=$!
pagecheck --size 48 --mix random --pageout --rounds 1 --threads 2 || fail "pagecheck ended with status $?"
rm /tmp/sampling
finished $sampler
within "a limit of 16 MiB"
holds "failed stores" "$(value failed_stores)" -gt 0
expect_empty

step "raised and lowered live"
echo $((64 * mib)) >$class/ram_limit
failed=$(value failed_stores)
pagecheck --size 40 --mix random --pageout --rounds 1 --hold /tmp/held &
pid=$!
held /tmp/held
expect "stores that failed below the limit" "$(value failed_stores)" "$failed"
holds "bytes in the pool" "$(value pool_bytes)" -gt $((16 * mib))
echo $((8 * mib)) >$class/ram_limit
expect ram_limit "$(cat $class/ram_limit)" $((8 * mib))
pool=$(value pool_bytes)
rm -f /tmp/exceeded
sample "$pool" &
sampler=$!
rm /tmp/held
finished $pid
rm /tmp/sampling
finished $sampler
within "a pool of $pool bytes, with the limit lowered below it"
holds "failed stores" "$(value failed_stores)" -gt "$failed"
expect_empty

step "same-filled pages need none of it"
failed=$(value failed_stores)
swapped 5000 pagecheck --size 32 --mix same --pageout
expect "stores that failed" "$(value failed_stores)" "$failed"
stop
