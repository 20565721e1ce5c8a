# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# stale.sh leave panic | leave kexec KERNEL_BYTES INITRAMFS_BYTES | take: the two lives of a disk,
# for tests/stale. The first kernel panics, or starts another one that lies on /dev/vdb, while its
# pages are on the disk; the second kernel finds the disk like that.
# shellcheck source=tests/guest/disks.sh
. /tests/disks.sh

disk=/dev/vda
there() { [ -b $disk ]; }

# part FILE FROM BYTES: that part of /dev/vdb as a file.
part() { tail -c +$(($2 + 1)) /dev/vdb | head -c "$3" >"$1"; }

leave() {
    [ "$1" = panic ] || {
        part /vmlinuz 0 "$2"
        part /initramfs "$2" "$3"
    }
    load size_mib=1024 ram_limit_mib=0
    add $disk
    swapon "$device"
    hold_out --size 20 --mix random --pageout --seed 1
    settled
    holds "pages on the disk" "$(value disk_slots)" -ge 4500
    step "$(cat $class/tiers)"
    if [ "$1" = panic ]; then
        echo c >/proc/sysrq-trigger
    else
        kexec /vmlinuz /initramfs "$(cat /proc/cmdline)"
    fi
    fail "it did not end here"
}

take() {
    expect "what is swapped on" "$(grep -c "^$disk" /proc/swaps)" 0
    # As docs/security.md has it.
    expect "type" "$(blkid -p -o value -s TYPE $disk)" swap
    expect "label" "$(blkid -p -o value -s LABEL $disk)" vswap0-tier

    step "the module does not look for it"
    load size_mib=1024 ram_limit_mib=4
    expect "the disks" "$(cat $class/tiers)" ""
    swapon "$device"
    expect "the disks" "$(cat $class/tiers)" ""
    expect "slots in use" "$(value used_slots)" 0
    swapped 1000 limited 4 pagecheck --size 8 --mix compressible --seed 1
    expect_empty

    step "swapped on by mistake, it is next to nothing"
    if swapon $disk; then
        holds "KiB" "$(awk -v path=$disk '$1 == path { print $3 }' /proc/swaps)" -le 4
        swapoff $disk
    fi

    step "a tier again, with nothing on it"
    add $disk
    expect "bytes in use" "$(tier $disk used)" 0
    expect "slots in use" "$(value used_slots)" 0
    # All of the disk; old and new contents differ.
    hold_out --size 36 --mix random --pageout --seed 2
    settled
    holds "pages on the disk" "$(value disk_slots)" -ge 7500
    release
    hold_out --size 36 --mix random --pageout --seed 3 --rounds 1
    release
    expect "slots that were lost" "$(value lost_slots)" 0
    expect "errors" "$(tier $disk errors)" 0
    expect_empty
    remove $disk
    expect "type, when it is none" "$(blkid -p -o value -s TYPE $disk || true)" ""
    stop
}

modules virtio_blk
eventually there || fail "there is no $disk"
life=${1:-}
[ $# = 0 ] || shift
case $life in
leave | take) "$life" "$@" ;;
*) fail "usage: stale.sh leave panic | leave kexec KERNEL_BYTES INITRAMFS_BYTES | take" ;;
esac
