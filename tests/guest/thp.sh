# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# Huge pages are swapped out whole.
# memory: 256
# shellcheck source=tests/guest/lib.sh
. /tests/lib.sh

if ! huge_pages; then
    step "this kernel has none"
    exit
fi
start size_mib=1024
for mix in same=50,compressible=50 random; do
    step "$mix"
    whole=$(vmstat thp_swpout) split=$(vmstat thp_swpout_fallback)
    swapped "$(scaled 5000)" pagecheck --size "$(scaled 32)" --memory thp --pageout --rounds 1 --mix $mix --threads 2
    holds "huge pages swapped out" $(($(vmstat thp_swpout) - whole)) -ge "$(scaled 10)"
    expect "huge pages split for swapping" $(($(vmstat thp_swpout_fallback) - split)) 0
done
stop
