# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# Each kind of contents comes back byte by byte, with one thread and with several.
# memory: 256
# shellcheck source=tests/guest/lib.sh
. /tests/lib.sh

start size_mib=1024
for threads in 1 4; do
    for mix in same compressible random same=40,compressible=40,random=20; do
        step "$mix, $threads thread(s)"
        swapped "$(scaled 1800)" limited "$(scaled 6)" pagecheck --size "$(scaled 10)" --mix $mix --threads $threads --rounds 1 --seed $threads
    done
done
stop
