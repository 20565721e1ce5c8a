# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# What is compared. A peer NAME is a function NAME_up, with "-" as "_", which makes a fresh
# device, swaps on it and sets $device, and NAME_down, after which nothing of it is left.
# NAME_up also sets $stat, the file in which the device tells of itself, if there is one.
# To be sourced.

# Of each peer, in MiB.
size=256

# The disk of all that need one: memory, so that what a peer does itself shows.
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

# Memory as a disk, without a copy that is compressed: the floor for any disk.
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

# The same, with what protects the disk's pages; asked for by name.
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

# Memory, and the disk for what is cold.
vswap_pmem_up() { vswap_with "$disks" size_mib=$size; }
vswap_pmem_down() { vswap_without "$disks"; }
