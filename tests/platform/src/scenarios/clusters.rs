// SPDX-License-Identifier: GPL-2.0-only

//! Clusters come and go, and slots are freed, swept and stored to again, while CPUs remember them.

use super::*;
use crate::world::OTHER;
use vswap_engine::slot::Slot;

worlds! {
    one: World::new(0, &[]).holding(FIRST, A, Entry);
    two: one().holding(SECOND, B, Entry);
}

/// The device, after the slot was freed.
fn marked(world: World, slot: Slot) -> World {
    world.mark_freed(slot);
    world
}

tasks! {
    look_once: |world| assert_eq!(world.find(SECOND), None);
    look_twice: |world| { world.find(SECOND); world.find(SECOND) };
    store_the_other: |world| world.store(SECOND, B, Entry);
    store_and_read_the_other: |world| { store_the_other(world); read_the_other(world) };
}

scenarios! {
    /// A reader that finds the object through the index while the last slot is freed. The swap core would
    /// keep the other one in use; here neither is, and it is safe nevertheless.
    a_freed_object_is_not_remembered: one, [free, look_once] => [None, None];
    /// A CPU looks once more at the object that it remembers, when that is no cluster any more.
    a_freed_object_is_not_used: one, [free, look_twice] => [None, None];
    /// One CPU frees the last slot while another fills one: the second finds the dying cluster or
    /// makes a new one, and its entry stays.
    a_cluster_dies_and_comes_back: one, [free, store_and_read_the_other] => [None, Some(B)];
    /// Two CPUs fill the first slots of a cluster at once: they make only one cluster.
    two_make_one_cluster:
        || World::new(0, &[]),
        [|world| world.store(FIRST, A, Entry), store_the_other] => [Some(A), Some(B)];
    /// A slot is written on one CPU, then read on another whose last used object is an older one
    /// of the same cluster.
    a_reader_sees_what_was_written_before:
        one, [
            |world| { world.find(FIRST); },
            |world| { free(world); store_and_read_the_other(world) },
        ] => [None, Some(B)];
    /// Two CPUs store pages of the ram tier, and one is removed: the lists by age stay intact.
    clusters_are_listed_and_go:
        || World::new(2, &[]), [
            |world| { world.store(FIRST, A, Ram); free(world) },
            |world| world.store(SECOND, B, Ram),
        ] => [None, Some(B)];
    /// Slots are freed while a sweep is under way: no mark is forgotten, and each entry is released
    /// once. With the last one the cluster is removed.
    what_is_freed_is_swept_once:
        || marked(two(), FIRST), [|world| world.mark_freed(SECOND), World::sweep] => [None, None];
    /// A slot is freed and stored to again while a sweep is under way: the new entry stays, and the
    /// old one is released once, by the sweep or by the store.
    what_is_stored_again_stays:
        || World::new(2, &[]).holding(FIRST, A, Ram).holding(SECOND, B, Entry), [
            |world| { world.mark_freed(FIRST); world.store(FIRST, C, Ram) },
            World::sweep,
        ] => [Some(C), Some(B)];
    /// Two sweeps at a time, such as the thread's and that of a store that finds no room.
    two_sweeps_share_what_there_is:
        || marked(marked(two(), FIRST), SECOND), [World::sweep, World::sweep] => [None, None];
    /// A slot of another cluster is freed while the thread sweeps: it is swept without
    /// a request.
    what_is_freed_is_not_forgotten:
        || marked(one().holding(OTHER, B, Entry), OTHER),
        [|world| world.mark_freed(FIRST), World::sweep_if_any] => [None, None];
}
