# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# Those of the kernel's own tests that swap and take little time (tests/external runs more).
# memory: 768
# with: selftests
# kernel: stock
# shellcheck source=tests/guest/lib.sh
. /tests/lib.sh

# passes COMMAND...: shows the output of COMMAND only when it fails.
passes() {
    "$@" >/tmp/said 2>&1 && return
    cat /tmp/said
    return 1
}

start size_mib=1024
cd /usr/lib/selftests/mm
# Pages and huge pages, if the kernel has them, that are swapped out while they are protected by userfaultfd, and moved.
step "uffd-wp-mremap"
least=1
[ ! -e /sys/kernel/mm/transparent_hugepage ] || least=1000
swapped $least passes ./uffd-wp-mremap
# A page whose slot is shared by fork.
step "uffd-unit-tests -f rwp-swap-cow"
swapped 1 passes ./uffd-unit-tests -f rwp-swap-cow
step "guard-regions"
swapped 10 passes ./guard-regions
cd /
stop
