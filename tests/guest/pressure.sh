# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# More memory in use than the guest has.
# memory: 256
# shellcheck source=tests/guest/lib.sh
. /tests/lib.sh

# A file that can't be reclaimed takes the rest of the memory: the root is a ramfs.
dd if=/dev/zero of=/taken bs=1M count=$(($(available 100) - 48 - $(scaled 48))) 2>/dev/null
begin_allocating
start size_mib=1024
# Some of the memory that is not called available can be had nevertheless.
size=$(($(available 100) + $(scaled 72)))
step "pagecheck of $size MiB"
swapped "$(scaled 5000)" pagecheck --size "$size" --mix same=60,compressible=35,random=5 --threads 2 --rounds 1 --rewrite 5 --discard 5
step "memhog of $size MiB"
# How much of it comes from dropping caches varies.
swapped "$(scaled 3000)" sh -c "memhog -r1 ${size}M >/dev/null"
end_allocating
stop
rm /taken
