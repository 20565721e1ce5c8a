# SPDX-License-Identifier: GPL-2.0-only
# what: an age reaches into the handle
# file: src/engine/entry.rs
# test: host
s/^const AGE_MASK: u64 = .*/const AGE_MASK: u64 = 0b11;/
