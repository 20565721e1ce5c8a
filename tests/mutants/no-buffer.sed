# SPDX-License-Identifier: GPL-2.0-only
# what: without a ram tier pages are never packed
# file: src/device/mod.rs
# test: packed
s/self\.ram\.set_buffered(is_buffered);/self.ram.set_buffered(is_buffered \&\& false);/
