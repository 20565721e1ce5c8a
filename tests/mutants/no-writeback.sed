# SPDX-License-Identifier: GPL-2.0-only
# what: nothing is written back by itself
# file: src/movers/writeback.rs
# test: writeback
s/(self\.device\.ram()\.is_above_high() || self\.asked() != 0)/self.device.size().bytes() == 0/
