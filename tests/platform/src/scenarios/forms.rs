// SPDX-License-Identifier: GPL-2.0-only

//! A cluster gets a table, loses it, or gets another home, while its slots are used.

use super::*;

tasks! {
    free_the_other_and_collapse: |world| {
        world.free(SECOND);
        let mut mover = world.mover();
        mover.collapse(FIRST.cluster());
        mover.flush();
    };
    free_and_store_at_home: |world| { free(world); world.store(FIRST, C, Home(0)) };
    free_the_other_and_store: |world| { world.free(SECOND); spread(world) };
    store_at_home: |world| { world.store(FIRST, C, Home(0)); assert_eq!(world.find(FIRST), Some(C)) };
    /// Where there is room on the first disk.
    store_the_other: |world| world.store(SECOND, C, Disk(0));
    empty_to_the_other_and_store: |world| { empty_to_the_other(world); store_the_other(world) };
}

scenarios! {
    a_slot_is_read_while_its_cluster_spreads: whole, [read, spread] => [Some(A), Some(C)];
    a_slot_is_read_while_its_cluster_collapses: half_whole, [read, collapse] => [Some(A), Some(B)];
    another_slot_is_recompressed_while_a_cluster_collapses:
        || half_whole_of(World::new(3, &[None])),
        [|world| world.mover().recompress(SECOND), collapse] => [Some(A), Some(B)];
    /// The old table is reused.
    a_slot_is_read_while_its_cluster_collapses_and_spreads:
        half_whole, [read, |world| { collapse(world); spread(world) }] => [Some(A), Some(C)];
    a_slot_is_read_while_its_cluster_spreads_and_collapses:
        whole, [read, |world| { spread(world); free_the_other_and_collapse(world) }] => [Some(A), None];
    /// The slot came when the map was already stale.
    a_slot_of_a_table_is_read_while_its_cluster_collapses:
        || {
            let world = World::new(2, &[None]).holding(SECOND, B, Home(0));
            world.holding(SECOND, C, Ram).holding(FIRST, A, Home(0))
        }, [read, free_the_other_and_collapse] => [Some(A), None];
    another_slot_is_freed_while_a_cluster_collapses:
        half_whole, [free_and_store_at_home, collapse] => [Some(C), Some(B)];
    a_slot_is_read_while_its_cluster_gets_another_home:
        whole, [read, remove_to_the_other] => [Some(A), Some(B)];
    /// The old home is reused.
    a_slot_is_read_while_its_old_home_is_used_again:
        whole, [read, empty_to_the_other_and_store] => [Some(A), Some(C)];
    a_slot_is_freed_while_its_cluster_gets_another_home:
        whole, [free, empty_to_the_other] => [None, Some(B)];
    a_slot_is_stored_again_while_its_cluster_gets_another_home:
        whole, [free_and_store, remove_to_the_other] => [Some(B), Some(B)];
    /// Stored at home, before the disk is closed or elsewhere then.
    a_slot_is_stored_at_home_while_its_cluster_gets_another:
        || { let world = whole(); world.free(FIRST); world },
        [store_at_home, remove_to_the_other] => [Some(C), Some(B)];
    a_slot_is_read_while_the_other_home_goes:
        whole, [read, remove_to_the_other, remove_the_other] => [Some(A), Some(B)];
    /// Page by page, as there is no other home.
    a_slot_is_read_while_its_cluster_is_drained:
        whole, [read, |world| { empty(world); store_the_other(world) }] => [Some(A), Some(C)];
    a_slot_is_freed_and_read_while_its_cluster_gets_another_home:
        whole, [read, remove_to_the_other, free_the_other_and_store] => [Some(A), Some(C)];
}
