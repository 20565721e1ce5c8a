# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# The peers. A peer NAME is a function NAME_up, with "-" as "_", which makes a fresh
# device, swaps on it and sets $device, and NAME_down, which removes all of it.
# NAME_up also sets $stat, the file with the device's statistics, if there is one.
# To be sourced.

# The size of each peer, in MiB.
size=256

# The disk of all that need one: memory, so that the cost of a peer itself shows.
disk=/dev/pmem0
# Those of vswap.
disks=$disk

# shellcheck disable=SC2034 # used by bench.sh
all_peers='plain zram zswap vswap vswap-disk vswap-pmem'

# made DEVICE: swaps on it after mkswap.
made() {
    device=$1
    mkswap "$device" >/dev/null
    swapon "$device"
}

# Memory as a disk, without a compressed copy: the floor for any disk.
plain_up() { made $disk; }
plain_down() { swapoff $disk; }

zram_up() {
    modprobe zram
    echo lz4 >/sys/block/zram0/comp_algorithm
    echo ${size}M >/sys/block/zram0/disksize
    made /dev/zram0
    stat=/sys/block/zram0/mm_stat
}
zram_down() {
    swapoff /dev/zram0
    rmmod zram
}

zswap=/sys/module/zswap/parameters
zswap_up() {
    echo lz4 >$zswap/compressor
    echo 1 >$zswap/enabled
    made $disk
}
zswap_down() {
    swapoff $disk
    echo 0 >$zswap/enabled
}

# vswap_with DISKS [PARAMETER...]: of all sizes and kinds.
vswap_with() {
    vswap_disks=$1
    shift
    insmod /vswap.ko "$@"
    for vswap_disk in $vswap_disks; do
        echo "$vswap_disk ${protection:-}" >/sys/class/vswap/vswap0/tier_add
    done
    device=/dev/vswap0
    # shellcheck disable=SC2034 # used by the workloads
    stat=/sys/class/vswap/vswap0/stat
    swapon $device
}
vswap_without() {
    swapoff /dev/vswap0
    for vswap_disk in $1; do
        echo "$vswap_disk" >/sys/class/vswap/vswap0/tier_remove
    done
    rmmod vswap
}

vswap_up() { vswap_with '' size_mib=$size; }
vswap_down() { vswap_without ''; }

# No memory but the disk's.
vswap_disk_up() { vswap_with "$disks" size_mib=$size ram_limit_mib=0; }
vswap_disk_down() { vswap_without "$disks"; }

# The same, with protection of the disk's pages; only on request.
vswap_encrypt_up() {
    # As udev does for a CPU that has these instructions.
    modprobe aesni-intel
    protection=encrypt
    vswap_disk_up
    protection=""
}
vswap_encrypt_down() { vswap_disk_down; }
vswap_integrity_up() {
    protection=integrity
    vswap_disk_up
    protection=""
}
vswap_integrity_down() { vswap_disk_down; }
vswap_both_up() {
    modprobe aesni-intel
    protection="encrypt integrity"
    vswap_disk_up
    protection=""
}
vswap_both_down() { vswap_disk_down; }

# Memory, and the disk for cold pages.
vswap_pmem_up() { vswap_with "$disks" size_mib=$size; }
vswap_pmem_down() { vswap_without "$disks"; }
