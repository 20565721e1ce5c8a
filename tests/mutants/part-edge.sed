# SPDX-License-Identifier: GPL-2.0-only
# what: a sweep takes the marks of two parts at once
# file: src/engine/map.rs
# test: host
s/let mask = part(word, first, first\.saturating_add(PART_BITS));/let mask = part(word, first, first.saturating_add(2 * PART_BITS));/
