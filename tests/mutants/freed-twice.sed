# SPDX-License-Identifier: GPL-2.0-only
# what: a slot that is free may be freed
# file: src/engine/allocator.rs
# test: host
s/Some((map, state)) if map\.clear(slot\.offset()) => {/Some((map, state)) if map.clear(slot.offset()) || state.word().used() > 0 => {/
