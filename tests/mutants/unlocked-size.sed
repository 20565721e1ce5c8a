# SPDX-License-Identifier: GPL-2.0-only
# what: the size can be changed while the device is on
# file: src/glue/helpers.c
# test: swapon
s/!IS_SWAPFILE(inode)/inode/
