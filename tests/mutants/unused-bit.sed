# SPDX-License-Identifier: GPL-2.0-only
# what: a word with a bit that has to be 0 is an entry
# file: src/engine/entry.rs
# test: host
s/^const UNUSED_MASK: u64 = .*/const UNUSED_MASK: u64 = (1 << HANDLE_SHIFT) - (MOVING_FLAG << 2);/
