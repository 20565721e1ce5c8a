# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# The kernel's own tests of memory and its cgroups, as they are in its source, with only the
# device to swap on.
# memory: 1536
# with: selftests
# kernel: stock
# when: asked
# shellcheck source=tests/guest/cases.sh
. /tests/cases.sh

mm() {
    mm_name=$1
    shift
    cd /usr/lib/selftests/mm
    try "mm/$mm_name" "$@"
}

start size_mib=2048
# Arguments are those of tools/testing/selftests/mm/run_vmtests.sh; where it has none for a part of
# a program, the part that involves swapping. First, tests that swap themselves, or check where pages are:
mm cow ./cow
mm droppable ./droppable
mm guard-regions ./guard-regions
mm uffd-wp-mremap ./uffd-wp-mremap
for name in rwp-swap-cow wp-fork-with-event wp-unpopulated rwp-fork poison; do
    mm uffd-$name ./uffd-unit-tests -f $name
done
mm pagemap_ioctl ./pagemap_ioctl
mm mkdirty ./mkdirty
mm madv_populate ./madv_populate
mm process_madv ./process_madv
mm mlock2-tests ./mlock2-tests
mm ksm_functional_tests ./ksm_functional_tests
mm khugepaged ./khugepaged
mm khugepaged-shmem ./khugepaged all:shmem
mm khugepaged-mthp ./khugepaged -c 4 mthp_khugepaged:anon
mm split_huge_page_test ./split_huge_page_test
mm transhuge-stress ./transhuge-stress -d 20

# The others, swapped out and in as they run.
mm reclaimed-uffd-stress-anon --reclaimed ./uffd-stress anon 20 16
mm reclaimed-uffd-stress-shmem --reclaimed ./uffd-stress shmem 20 16
mm reclaimed-uffd-stress-shmem-private --reclaimed ./uffd-stress shmem-private 20 16
mm reclaimed-mremap_test --reclaimed ./mremap_test
mm reclaimed-mremap_dontunmap --reclaimed ./mremap_dontunmap
mm reclaimed-merge --reclaimed ./merge
mm reclaimed-mlock-random-test --reclaimed ./mlock-random-test
mm reclaimed-transhuge-stress --reclaimed ./transhuge-stress -d 20

# This also needs a file whose pages can be reclaimed.
modprobe brd rd_nr=1 rd_size=65536
modprobe ext4
mke2fs /dev/ram0 >/tmp/mke2fs
mkdir -p /mnt
mount -t ext4 /dev/ram0 /mnt
cd /mnt
modprobe hwpoison-inject
try mm/memory-failure /usr/lib/selftests/mm/memory-failure
try cgroup/test_memcontrol /usr/lib/selftests/cgroup/test_memcontrol
echo 1 >/sys/module/zswap/parameters/enabled
try cgroup/test_zswap /usr/lib/selftests/cgroup/test_zswap
echo 0 >/sys/module/zswap/parameters/enabled
cd /
# A test may leave a process there.
umount -l /mnt
stop
