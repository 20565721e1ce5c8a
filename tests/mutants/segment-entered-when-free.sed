# SPDX-License-Identifier: GPL-2.0-only
# what: a segment that was freed can be entered
# file: src/engine/segment.rs
# test: models packed::a_slot_is_looked
s/live != 0 \&\& live < end/live < end/
