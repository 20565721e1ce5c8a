# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# More memory in use than the guest has.
# memory: 256
# shellcheck source=tests/guest/lib.sh
. /tests/lib.sh

start size_mib=1024
size=$(available 125)
step "pagecheck of $size MiB"
swapped 5000 pagecheck --size "$size" --mix same=60,compressible=35,random=5 --threads 2 --rounds 1 --rewrite 5 --discard 5
step "memhog of $size MiB"
swapped 5000 memhog -r1 "${size}M" >/dev/null
stop
