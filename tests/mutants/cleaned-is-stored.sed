# SPDX-License-Identifier: GPL-2.0-only
# what: what is cleaned counts as stored
# file: src/movers/chunk.rs
# test: packed
s/Source::Disk(_, from) => from\.place\.disk != packed\.place\.disk,/Source::Disk(_, from) => from.place.disk != packed.place.disk || !self.segments.is_empty(),/
