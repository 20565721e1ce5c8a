# SPDX-License-Identifier: GPL-2.0-only
# what: a reader takes a place of another disk for one of that in the bay
# file: src/engine/bay.rs
# test: models drain
s/look()\.filter(|place| place\.disk == self\.number)?/look()?/
