# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# The README's first steps, command by command as they stand there (scripts/guest-image takes them
# from the README), each of which must succeed and do what it says. No other test has the same needs,
# so the guest is a fresh one.
# memory: 320
# with: vswapctl
# disks: 256
# shellcheck source=tests/guest/steps.sh
. /tests/steps.sh

translated() { echo "$1"; }
prepare /first-steps
run_steps /first-steps
expect "commands that install" $skipped 3
holds "other commands" $ran -ge 6
expect "the last command" "$last" "vswapctl off --unload"
