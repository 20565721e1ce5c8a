# SPDX-License-Identifier: GPL-2.0-only
# what: who takes an entry out frees the object that a mover reads
# file: src/engine/held.rs
# test: models writeback
s/Some(Content::Ram(object)) if !self\.0\.is_moving() => Some(object),/Some(Content::Ram(object)) => Some(object),/
