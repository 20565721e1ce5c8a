# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# The compressor can be chosen, even while pages of the other one are swapped out.
# memory: 256
# shellcheck source=tests/guest/lib.sh
. /tests/lib.sh

choose() {
    echo "$1" >$class/comp_algorithm
    expect comp_algorithm "$(cat $class/comp_algorithm)" "$2"
}

load
expect comp_algorithm "$(cat $class/comp_algorithm)" "[lz4] zstd"
refused "Invalid argument" sh -c "echo none-such >$class/comp_algorithm"
refused "Invalid argument" sh -c "echo >$class/comp_algorithm"
choose zstd "lz4 [zstd]"
swapon "$device"
step "zstd"
swapped "$(scaled 2000)" limited "$(scaled 6)" pagecheck --size "$(scaled 12)" --mix compressible=80,random=20 --rounds 1
step "switched between stores"
limited "$(scaled 6)" pagecheck --size "$(scaled 12)" --mix compressible=90,random=10 --rounds 2 --threads 2 --hold /tmp/held &
pid=$!
held /tmp/held
choose lz4 "[lz4] zstd"
rm /tmp/held
while kill -0 $pid 2>/dev/null; do
    choose zstd "lz4 [zstd]"
    sleep 0.2
    choose lz4 "[lz4] zstd"
    sleep 0.2
done
finished $pid
stop
