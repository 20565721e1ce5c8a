# SPDX-License-Identifier: GPL-2.0-only
# what: the place is lost that a page was to go to which has gone meanwhile
# file: src/engine/index/moves.rs
# test: models packed::a_slot_is_freed
/Some(Ok(None) | Err(NotPut::NoForm)) | None => Moved::TooLate {/,/}/s/^                new,$/                new: Owned::EMPTY,/
