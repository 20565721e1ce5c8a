# SPDX-License-Identifier: GPL-2.0-only
# what: a mover reads an object that its slot does not say is being moved
# file: src/engine/index/moves.rs
# test: models writeback
s/^                if locked\.put_as_it_is(slot\.offset(), moving)\.is_some() {$/                if !moving.is_empty() {/
