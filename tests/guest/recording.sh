# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# What the charts of top's pictures show: programs that start and stop while memory is short, and a disk. Not a test.
# This command records it again:
#     scripts/guest --memory 384 --disks 448,16 --vswapctl --timeout 900 sh /tests/recording.sh |
#         sed -n 's/^rates //p' >tools/vswapctl/tests/rates
# shellcheck source=tests/guest/disks.sh
. /tests/disks.sh

# works LIMIT SIZE: a program with SIZE MiB of contents, of which LIMIT MiB fit into memory.
works() { begin_limited "$1" pagecheck --size "$2" --mix same=10,compressible=65,random=25 --rounds 1000 --threads 2 >/dev/null 2>&1; }

make_disk disk /dev/pmem0
turn disk /dev/pmem0 slow 1
vswapctl on --module /vswap.ko --ram-limit 12M >&2
vswapctl add /dev/mapper/disk >&2
works 32 56
first=$begun
for second in $(seq 125); do
    case $second in
    35) works 20 56 ;;
    60) killed "$first" ;;
    75) works 32 64 ;;
    100) killed "$begun" ;;
    esac
    echo "rates $(vswapctl top --once --interval 1 --json | tr -d ' \n')"
done
killall pagecheck
