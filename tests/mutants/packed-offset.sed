# SPDX-License-Identifier: GPL-2.0-only
# what: an object is taken for the first of its slot
# file: src/engine/entry.rs
# test: models packed::a_slot_is_swept
s/^            \.saturating_add(self\.offset())$/            .saturating_add(8)/
