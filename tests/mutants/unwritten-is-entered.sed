# SPDX-License-Identifier: GPL-2.0-only
# what: a segment that is still being written is taken for one that was written
# file: src/engine/segment.rs
# test: models packed::a_slot_is_packed_anew
s/self\.count_up(WRITER)/self.count_up(u8::MAX)/
