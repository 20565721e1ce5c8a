# SPDX-License-Identifier: GPL-2.0-only
# what: who frees a segment does not see that others are done with it
# file: src/engine/segment.rs
# test: models packed::a_slot_is_read
/fn give_up(/,/^    }/s/Ordering::AcqRel/Ordering::Relaxed/
