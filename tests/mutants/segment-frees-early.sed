# SPDX-License-Identifier: GPL-2.0-only
# what: the last but one frees a segment
# file: src/engine/segment.rs
# test: models packed::a_slot_is_read
s/\.map(|before| before == count)/.map(|before| before <= count.wrapping_add(1))/
