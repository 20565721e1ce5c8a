// SPDX-License-Identifier: GPL-2.0-only

//! A cluster gets a table, loses it, or gets another home, while its slots are used.

use super::*;

fn with_room() -> World {
    half_whole_with(3)
}

scenarios! {
    a_slot_is_read_while_its_cluster_spreads:
        whole, [read, |world| world.store_in_ram(SECOND, C)] => [Some(A), Some(C)];
    a_slot_is_read_while_its_cluster_collapses:
        half_whole, [
            read,
            |world| { world.mover().write_back(SECOND, 0, At::Home); },
        ] => [Some(A), Some(B)];
    another_slot_is_recompressed_while_a_cluster_collapses:
        with_room, [
            |world| world.mover().recompress(SECOND),
            |world| world.mover().write_back(SECOND, 0, At::Home),
        ] => [Some(A), Some(B)];
    /// The old table is reused.
    a_slot_is_read_while_its_cluster_collapses_and_spreads:
        half_whole, [
            read,
            |world| {
                world.mover().write_back(SECOND, 0, At::Home);
                world.store_in_ram(SECOND, C);
            },
        ] => [Some(A), Some(C)];
    a_slot_is_read_while_its_cluster_spreads_and_collapses:
        whole, [
            read,
            |world| {
                world.store_in_ram(SECOND, C);
                world.free(SECOND);
                let mut mover = world.mover();
                mover.collapse(FIRST.cluster());
                mover.flush();
            },
        ] => [Some(A), None];
    /// The slot came when the map was already stale.
    a_slot_of_a_table_is_read_while_its_cluster_collapses:
        || {
            let world = World::new(2, &[None]);
            world.store_on_disk(SECOND, B, 0, At::Home);
            world.store_in_ram(SECOND, C);
            world.store_on_disk(FIRST, A, 0, At::Home);
            world
        }, [
            read,
            |world| {
                world.free(SECOND);
                let mut mover = world.mover();
                mover.collapse(FIRST.cluster());
                mover.flush();
            },
        ] => [Some(A), None];
    another_slot_is_freed_while_a_cluster_collapses:
        half_whole, [
            |world| { world.free(FIRST); world.store_on_disk(FIRST, C, 0, At::Home); },
            |world| world.mover().write_back(SECOND, 0, At::Home),
        ] => [Some(C), Some(B)];
    a_slot_is_read_while_its_cluster_gets_another_home:
        whole, [
            read,
            |world| { world.mover().remove(0, To::Disk(1), false); },
        ] => [Some(A), Some(B)];
    /// The old home is reused.
    a_slot_is_read_while_its_old_home_is_used_again:
        whole, [
            read,
            |world| {
                world.mover().remove(0, To::Disk(1), true);
                world.store_on_disk(SECOND, C, 0, At::Any);
            },
        ] => [Some(A), Some(C)];
    a_slot_is_freed_while_its_cluster_gets_another_home:
        whole, [free, |world| { world.mover().remove(0, To::Disk(1), true); }] => [None, Some(B)];
    a_slot_is_stored_again_while_its_cluster_gets_another_home:
        whole, [
            free_and_store,
            |world| { world.mover().remove(0, To::Disk(1), false); },
        ] => [Some(B), Some(B)];
    /// Stored at home, before the disk is closed or elsewhere then.
    a_slot_is_stored_at_home_while_its_cluster_gets_another:
        || { let world = whole(); world.free(FIRST); world }, [
            |world| {
                world.store_on_disk(FIRST, C, 0, At::Home);
                assert_eq!(world.load(FIRST), C);
            },
            |world| world.mover().remove(0, To::Disk(1), false),
        ] => [Some(C), Some(B)];
    a_slot_is_read_while_the_other_home_goes:
        whole, [
            read,
            |world| world.mover().remove(0, To::Disk(1), false),
            |world| world.mover().remove(1, To::Ram, false),
        ] => [Some(A), Some(B)];
    /// Page by page, as there is no other home.
    a_slot_is_read_while_its_cluster_is_drained:
        whole, [
            read,
            |world| {
                world.mover().remove(0, To::Ram, true);
                world.store_on_disk(SECOND, C, 0, At::Any);
            },
        ] => [Some(A), Some(C)];
    a_slot_is_freed_and_read_while_its_cluster_gets_another_home:
        whole, [
            read,
            |world| world.mover().remove(0, To::Disk(1), false),
            |world| { world.free(SECOND); world.store_in_ram(SECOND, C); },
        ] => [Some(A), Some(C)];
}
