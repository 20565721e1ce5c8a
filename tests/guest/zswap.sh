# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# The kernel's zswap in front of the device takes pages, and writes some back to it.
# memory: 256
# shellcheck source=tests/guest/lib.sh
. /tests/lib.sh

zswap=/sys/module/zswap/parameters
start size_mib=1024
echo lz4 >$zswap/compressor
# A share of the memory that the cgroup has room for: zswap writes back when that is full.
percent=$(scaled 4)
echo "$percent" >$zswap/max_pool_percent
echo 1 >$zswap/enabled
taken=$(vmstat zswpout)
# zswap's memory counts in the cgroup, and has a minimum.
swapped "$(scaled 1000)" limited $((4 + $(scaled 8))) pagecheck --size $((4 + $(scaled 32))) --mix compressible=70,random=30 --rounds 1 --threads 2
holds "pages that zswap took" $(($(vmstat zswpout) - taken)) -ge "$(scaled 1000)"
echo 0 >$zswap/enabled
stop
