# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# Pages that several processes or threads have: shared memory, pages shared after fork,
# and several threads that read the same swapped-out pages.
# memory: 256
# shellcheck source=tests/guest/lib.sh
. /tests/lib.sh

start size_mib=1024
step "shared memory, pushed out"
swapped "$(scaled 3500)" pagecheck --size "$(scaled 16)" --memory shmem --pageout --rounds 1 --threads 2
step "shared memory under a limit"
swapped "$(scaled 2000)" limited "$(scaled 8)" pagecheck --size "$(scaled 16)" --memory shmem --rounds 1
step "after fork, pushed out"
swapped "$(scaled 3500)" pagecheck --size "$(scaled 16)" --fork --pageout
step "after fork, under a limit"
swapped "$(scaled 2000)" limited "$(scaled 8)" pagecheck --size "$(scaled 16)" --fork
step "several readers of the same pages"
swapped "$(scaled 3500)" pagecheck --size "$(scaled 16)" --pageout --readers 4
stop
