# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# stress-ng's memory stressors, which verify what they read.
# memory: 384
# with: stress-ng
# shellcheck source=tests/guest/lib.sh
. /tests/lib.sh

start size_mib=1024
# Full size on every kernel: with a smaller limit, the memory that stress-ng shares takes all of it.
before=$(vmstat pswpout)
limited 48 stress-ng --quiet --vm 2 --vm-bytes 80M --vm-keep --verify --timeout "${STRESS_SECONDS:-20}" ||
    fail "stress-ng ended with status $?"
holds "pages swapped out" $(($(vmstat pswpout) - before)) -ge "$(scaled 2000)"
step "$(($(vmstat pswpout) - before)) pages swapped out"
stop
