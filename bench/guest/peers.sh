# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# What is compared. A peer NAME is a function NAME_up, which makes a fresh device, swaps on
# it and sets $device, and NAME_down, after which nothing of it is left. To be sourced.

# Of each peer, in MiB.
size=256

# shellcheck disable=SC2034 # used by bench.sh
all_peers='plain zram zswap vswap'

# made DEVICE: swaps on it after mkswap.
made() {
    device=$1
    mkswap "$device" >/dev/null
    swapon "$device"
}

# Memory as a disk, without a copy that is compressed: the floor for any disk.
plain_up() { made /dev/pmem0; }
plain_down() { swapoff /dev/pmem0; }

zram_up() {
    modprobe zram
    echo lz4 >/sys/block/zram0/comp_algorithm
    echo ${size}M >/sys/block/zram0/disksize
    made /dev/zram0
}
zram_down() {
    swapoff /dev/zram0
    rmmod zram
}

zswap=/sys/module/zswap/parameters
zswap_up() {
    echo lz4 >$zswap/compressor
    echo 1 >$zswap/enabled
    made /dev/pmem0
}
zswap_down() {
    swapoff /dev/pmem0
    echo 0 >$zswap/enabled
}

vswap_up() {
    insmod /vswap.ko size_mib=$size
    device=/dev/vswap0
    swapon $device
}
vswap_down() {
    swapoff /dev/vswap0
    rmmod vswap
}

# The disk only; what is compressed is nothing.
vswap_disk_up() {
    insmod /vswap.ko size_mib=$size ram_limit_mib=0
    echo /dev/pmem0 >/sys/class/vswap/vswap0/tier_add
    device=/dev/vswap0
    swapon $device
}
vswap_disk_down() { vswap_down; }
