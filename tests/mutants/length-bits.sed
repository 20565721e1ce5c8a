# SPDX-License-Identifier: GPL-2.0-only
# what: an entry's length is one off
# file: src/engine/entry.rs
# test: host
s/(object\.length\.0 as u64)\.wrapping_sub(1)/(object.length.0 as u64).wrapping_sub(2)/
