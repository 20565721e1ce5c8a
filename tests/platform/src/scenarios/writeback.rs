// SPDX-License-Identifier: GPL-2.0-only

//! Pages of the ram tier go to a disk while their slots are used.

use super::*;

worlds! {
    /// The first slot is in the ram tier, and the disk takes no page.
    in_ram_only: World::new(3, &[Some(0)]).holding(FIRST, A, Ram);
}

scenarios! {
    a_slot_is_freed: in_ram, [free, write_back] => [None, None];
    a_slot_is_freed_and_stored_again: in_ram, [free_and_store, write_back] => [Some(B), None];
    a_slot_is_overwritten: in_ram, [overwrite, write_back] => [Some(B), None];
    /// A store to another slot reuses what the mover frees.
    a_slot_is_read: in_ram, [read, |world| { write_back(world); spread(world) }] => [Some(A), Some(C)];
    a_slot_is_read_and_freed: in_ram, [read_and_free, write_back] => [None, None];
    a_slot_has_two_writers: in_ram, [write_back, write_back] => [Some(A), None];
    a_slot_is_recompressed: in_ram, [recompress, write_back] => [Some(A), None];
    a_slot_with_two_movers_is_read: in_ram, [read_and_free, write_back, recompress] => [None, None];
    a_slot_with_two_movers_is_stored_again:
        in_ram, [free_and_store, write_back, recompress] => [Some(B), None];
    a_move_comes_to_nothing: in_ram_only, [free_and_store, write_back] => [Some(B), None];
    a_page_is_read_while_its_move_comes_to_nothing: in_ram_only, [read, write_back] => [Some(A), None];
}
