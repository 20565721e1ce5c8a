# SPDX-License-Identifier: GPL-2.0-only
# what: the last one leaves a segment and does not free it
# file: src/engine/segment.rs
# test: models packed::a_slot_is_freed
s/\.map(|before| before == count)/.map(|before| before == 0)/
