# SPDX-License-Identifier: GPL-2.0-only
# what: a move that comes to nothing leaves its mark
# file: src/engine/index/moves.rs
# test: models writeback
s/\.put_as_it_is(slot\.offset(), expected\.settled())/.put_as_it_is(slot.offset(), expected)/
