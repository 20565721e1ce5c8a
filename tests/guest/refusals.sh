# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# What the node refuses: writes, mappings, foreign ioctls, and everything for other users.
# memory: 256
# shellcheck source=tests/guest/lib.sh
. /tests/lib.sh

load size_mib=1024
refusals "$device" $((1024 << 20)) || fail "see above"
swapon "$device"
step "the same while it is on"
refusals "$device" $((1024 << 20)) || fail "see above"
stop
