# SPDX-License-Identifier: GPL-2.0-only
# what: a repair waits for a silent disk for as long as that takes
# file: src/device/repair.rs
# test: silent
s/REPAIR_MS: u32 = 1000/REPAIR_MS: u32 = u32::MAX/
