# SPDX-License-Identifier: GPL-2.0-only
# what: pages that do not compress stay in memory above the high watermark
# file: src/device.rs
# test: kunit
s/device\.ram\.is_above_high() && self\.overflow/device.ram.limit() == 0 \&\& self.overflow/
