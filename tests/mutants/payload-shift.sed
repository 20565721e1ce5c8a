# SPDX-License-Identifier: GPL-2.0-only
# what: the slot in an entry of a disk is read one bit off
# file: src/engine/entry.rs
# test: host
s/((word >> PHYSICAL_SHIFT) & 0xffff_ffff)/((word >> (PHYSICAL_SHIFT + 1)) & 0xffff_ffff)/
