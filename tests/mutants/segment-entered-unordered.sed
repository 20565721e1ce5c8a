# SPDX-License-Identifier: GPL-2.0-only
# what: who enters a segment that is used again still sees what lay there before
# file: src/engine/segment.rs
# test: models packed::a_slot_is_looked_at
/fn count_up(/,/^    }/s/Ordering::AcqRel/Ordering::Relaxed/
