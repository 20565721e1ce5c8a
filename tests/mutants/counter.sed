# SPDX-License-Identifier: GPL-2.0-only
# what: the slots in memory are not counted back
# file: src/device/tally.rs
# test: statistics
s/self\.count(Counter::RamSlots, by)/self.count(Counter::RamSlots, by.max(0))/
