// SPDX-License-Identifier: GPL-2.0-only

//! Slots are marked as freed, and a sweep releases what they held.

use super::*;

fn mark_and_sweep(world: &World) {
    world.mark_freed(FIRST);
    world.sweep();
}

fn mark_and_store(world: &World) {
    world.mark_freed(FIRST);
    world.store_in_ram(FIRST, C);
    assert_eq!(world.load(FIRST), C);
}

fn sweep(world: &World) {
    world.sweep();
}

fn rehome(world: &World) {
    world.mover().remove(0, To::Disk(1), true);
}

fn collapse(world: &World) {
    world.mover().write_back(SECOND, 0, At::Home);
}

fn spread(world: &World) {
    world.store_in_ram(SECOND, C);
}

scenarios! {
    a_slot_is_swept_while_it_is_written_back: in_ram, [mark_and_sweep, write_back] => [None, None];
    a_slot_is_swept_while_it_is_recompressed: in_ram, [mark_and_sweep, recompress] => [None, None];
    a_slot_is_swept_while_its_disk_goes: on_disk, [mark_and_sweep, remove] => [None, None];
    a_slot_is_swept_while_its_cluster_gets_another_home:
        whole, [mark_and_sweep, rehome] => [None, Some(B)];
    a_slot_is_swept_while_its_cluster_collapses:
        half_whole, [mark_and_sweep, collapse] => [None, Some(B)];
    a_slot_is_swept_while_its_cluster_spreads: whole, [mark_and_sweep, spread] => [None, Some(C)];
    /// A page that its disk failed to take spreads the cluster.
    another_slot_is_swept_while_a_page_is_not_written:
        || {
            let world = World::new(2, &[Some(1), None]);
            world.store_on_disk(FIRST, A, 0, At::Home);
            world
        }, [
            mark_and_sweep,
            |world| { world.store_on_disk(SECOND, B, 0, At::Home); },
        ] => [None, Some(B)];
    a_slot_is_read_while_another_is_swept:
        whole, [mark_and_sweep, |world| { assert_eq!(world.load(SECOND), B); }] => [None, Some(B)];
    a_slot_is_stored_again_while_it_is_swept_and_written_back:
        in_ram, [mark_and_store, sweep, write_back] => [Some(C), None];
    a_slot_is_stored_again_while_it_is_swept_and_recompressed:
        || World::new(4, &[None]), [
            |world| { world.store_in_ram(FIRST, A); mark_and_store(world); },
            sweep,
            recompress,
        ] => [Some(C), None];
    a_slot_is_stored_again_while_it_is_swept_and_its_disk_goes:
        on_disk, [mark_and_store, sweep, remove] => [Some(C), None];
    a_slot_is_stored_again_while_it_is_swept_and_its_cluster_gets_another_home:
        || whole_with(4), [mark_and_store, sweep, rehome] => [Some(C), Some(B)];
}
