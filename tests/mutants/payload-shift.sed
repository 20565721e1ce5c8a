# SPDX-License-Identifier: GPL-2.0-only
# what: the slot in an entry of a disk is read one bit off
# file: src/engine/entry.rs
# test: host
s/PhysicalSlot::new(((word >> PHYSICAL_SHIFT)/PhysicalSlot::new(((word >> (PHYSICAL_SHIFT + 1))/
