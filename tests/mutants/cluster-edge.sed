# SPDX-License-Identifier: GPL-2.0-only
# what: the last slot of a cluster has the place of the one before
# file: src/engine/slot.rs
# test: contents
s/(self\.0 as usize) & (SLOTS_PER_CLUSTER - 1)$/[self.0 as usize, SLOTS_PER_CLUSTER - 2][(self.0 as usize > SLOTS_PER_CLUSTER - 2) as usize]/
