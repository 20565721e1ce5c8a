# SPDX-License-Identifier: GPL-2.0-only
# what: pages that do not compress go to a disk at once
# file: src/device.rs
# test: inversion
s/device\.ram\.is_above_high() && self\.overflow/self.overflow/
