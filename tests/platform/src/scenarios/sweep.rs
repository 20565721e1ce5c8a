// SPDX-License-Identifier: GPL-2.0-only

//! Slots are marked as freed, and a sweep releases what they held.

use super::*;

tasks! {
    mark_and_store: |world| {
        world.mark_freed(FIRST);
        world.store(FIRST, C, Ram);
        assert_eq!(world.find(FIRST), Some(C));
    };
    store_and_mark_and_store: |world| { world.store(FIRST, A, Ram); mark_and_store(world) };
    store_the_other_at_home: |world| world.store(SECOND, B, Home(0));
}

scenarios! {
    a_slot_is_swept_while_it_is_written_back: in_ram, [mark_and_sweep, write_back] => [None, None];
    a_slot_is_swept_while_it_is_recompressed: in_ram, [mark_and_sweep, recompress] => [None, None];
    a_slot_is_swept_while_its_disk_goes: on_disk, [mark_and_sweep, remove] => [None, None];
    a_slot_is_swept_while_its_cluster_gets_another_home:
        whole, [mark_and_sweep, empty_to_the_other] => [None, Some(B)];
    a_slot_is_swept_while_its_cluster_collapses:
        half_whole, [mark_and_sweep, collapse] => [None, Some(B)];
    a_slot_is_swept_while_its_cluster_spreads: whole, [mark_and_sweep, spread] => [None, Some(C)];
    /// A page that its disk failed to take spreads the cluster.
    another_slot_is_swept_while_a_page_is_not_written:
        || World::new(2, &[Some(1), None]).holding(FIRST, A, Home(0)),
        [mark_and_sweep, store_the_other_at_home] => [None, Some(B)];
    a_slot_is_read_while_another_is_swept: whole, [mark_and_sweep, read_the_other] => [None, Some(B)];
    a_slot_is_stored_again_while_it_is_swept_and_written_back:
        in_ram, [mark_and_store, World::sweep, write_back] => [Some(C), None];
    a_slot_is_stored_again_while_it_is_swept_and_recompressed:
        || World::new(4, &[None]),
        [store_and_mark_and_store, World::sweep, recompress] => [Some(C), None];
    a_slot_is_stored_again_while_it_is_swept_and_its_disk_goes:
        on_disk, [mark_and_store, World::sweep, remove] => [Some(C), None];
    a_slot_is_stored_again_while_it_is_swept_and_its_cluster_gets_another_home:
        || whole_of(World::new(4, &[None, None])),
        [mark_and_store, World::sweep, empty_to_the_other] => [Some(C), Some(B)];
}
