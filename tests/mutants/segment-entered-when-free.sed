# SPDX-License-Identifier: GPL-2.0-only
# what: a segment that was freed can be entered
# file: src/engine/segment.rs
# test: models packed::a_slot_is_looked
s/0 | u8::MAX => None,/u8::MAX => None,/
