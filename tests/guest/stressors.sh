# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# stress-ng's stressors of memory, one after the other, each in a memory cgroup that is too small
# for it; only those that can verify what they read.
# memory: 768
# with: stress-ng
# kernel: stock
# when: asked
# shellcheck source=tests/guest/cases.sh
. /tests/cases.sh

skipped_status='[34]'

# stressor NAME OPTION...
stressor() {
    stressor_name=$1
    shift
    try "stress-ng/$stressor_name" --limit 32 stress-ng --verify --oom-avoid --timeout "${STRESS_SECONDS:-3}" "--$stressor_name" 2 "$@"
}

start size_mib=2048
mkdir -p /dev/shm
mount -t tmpfs -o size=96M shm /dev/shm
cd /tmp
stressor bigheap --bigheap-bytes 96M
stressor brk --brk-bytes 96M
stressor dev-shm
stressor fork --fork-pageout
stressor madvise
stressor malloc --malloc-bytes 96M --malloc-touch
stressor memfd --memfd-bytes 64M --memfd-madvise
stressor memthrash
stressor mmap --mmap-bytes 64M --mmap-madvise --mmap-mprotect --mmap-write-check
stressor mmapcow --mmapcow-fork
stressor mmapfork --mmapfork-bytes 64M
stressor mmaphuge
stressor mmaptorture --mmaptorture-bytes 64M
stressor mremap --mremap-bytes 64M
stressor pagemove --pagemove-bytes 64M
stressor pageswap
stressor rmap
stressor shm --shm-bytes 64M --shm-objs 4
stressor shm-sysv --shm-sysv-bytes 16M
stressor stack --stack-fill --stack-pageout
stressor tmpfs
stressor userfaultfd --userfaultfd-bytes 64M
stressor vm --vm-bytes 96M --vm-keep
stressor vm-addr
cd /
umount /dev/shm
stop
