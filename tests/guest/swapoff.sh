# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# swapoff brings everything back, and the pages stay right.
# memory: 256
# shellcheck source=tests/guest/lib.sh
. /tests/lib.sh

start size_mib=1024
pagecheck --size "$(scaled 24)" --pageout --threads 2 --hold /tmp/held &
anon=$!
held /tmp/held
pagecheck --size "$(scaled 16)" --memory shmem --pageout --seed 2 --hold /tmp/held-too &
shmem=$!
held /tmp/held-too
holds "KiB of swap used" $(($(meminfo SwapTotal) - $(meminfo SwapFree))) -ge "$(scaled 32000)"
swapoff "$device"
expect "SwapTotal" "$(meminfo SwapTotal)" 0
expect_empty
unload
rm /tmp/held /tmp/held-too
finished $anon
finished $shmem
