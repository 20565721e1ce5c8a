# SPDX-License-Identifier: GPL-2.0-only
# what: a move replaces whatever entry the slot has
# file: src/engine/index/moves.rs
# test: models writeback
s/^            if locked\.get(slot\.offset()) != expected {$/            if locked.get(slot.offset()).is_empty() \&\& !expected.is_ram() {/
