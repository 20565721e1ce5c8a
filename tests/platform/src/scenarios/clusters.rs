// SPDX-License-Identifier: GPL-2.0-only

//! Clusters come and go, and slots are freed, swept and stored to again, while CPUs remember them.

use super::*;
use crate::world::OTHER;

fn one() -> World {
    let world = World::new(0, &[]);
    world.store_same(FIRST, A);
    world
}

fn two() -> World {
    let world = one();
    world.store_same(SECOND, B);
    world
}

fn look_twice(world: &World) {
    world.find(SECOND);
    world.find(SECOND);
}

scenarios! {
    /// A reader that finds the object through the index while the last slot is freed. The swap core would
    /// keep the other one in use; here neither is, and it is safe nevertheless.
    a_freed_object_is_not_remembered:
        one, [free, |world| assert_eq!(world.find(SECOND), None)] => [None, None];
    /// A CPU looks once more at the object that it remembers, when that is no cluster any more.
    a_freed_object_is_not_used: one, [free, look_twice] => [None, None];
    /// One CPU frees the last slot while another fills one: the second finds the dying cluster or
    /// makes a new one, and its entry stays.
    a_cluster_dies_and_comes_back:
        one, [
            free,
            |world| { world.store_same(SECOND, B); assert_eq!(world.load(SECOND), B); },
        ] => [None, Some(B)];
    /// Two CPUs fill the first slots of a cluster at once: they make only one cluster.
    two_make_one_cluster:
        || World::new(0, &[]), [
            |world| world.store_same(FIRST, A),
            |world| world.store_same(SECOND, B),
        ] => [Some(A), Some(B)];
    /// A slot is written on one CPU, then read on another whose last used object is an older one
    /// of the same cluster.
    a_reader_sees_what_was_written_before:
        one, [
            |world| { world.find(FIRST); },
            |world| {
                world.free(FIRST);
                world.store_same(SECOND, B);
                assert_eq!(world.load(SECOND), B);
            },
        ] => [None, Some(B)];
    /// Two CPUs store pages of the ram tier, and one is removed: the lists by age stay intact.
    clusters_are_listed_and_go:
        || World::new(2, &[]), [
            |world| { world.store_in_ram(FIRST, A); world.free(FIRST); },
            |world| world.store_in_ram(SECOND, B),
        ] => [None, Some(B)];
    /// Slots are freed while a sweep is under way: no mark is forgotten, and each entry is released
    /// once. With the last one the cluster is removed.
    what_is_freed_is_swept_once:
        || { let world = two(); world.mark_freed(FIRST); world }, [
            |world| world.mark_freed(SECOND),
            World::sweep,
        ] => [None, None];
    /// A slot is freed and stored to again while a sweep is under way: the new entry stays, and the
    /// old one is released once, by the sweep or by the store.
    what_is_stored_again_stays:
        || {
            let world = World::new(2, &[]);
            world.store_in_ram(FIRST, A);
            world.store_same(SECOND, B);
            world
        }, [
            |world| { world.mark_freed(FIRST); world.store_in_ram(FIRST, C); },
            World::sweep,
        ] => [Some(C), Some(B)];
    /// Two sweeps at a time, such as the thread's and that of a store that finds no room.
    two_sweeps_share_what_there_is:
        || {
            let world = two();
            world.mark_freed(FIRST);
            world.mark_freed(SECOND);
            world
        }, [
            World::sweep,
            World::sweep,
        ] => [None, None];
    /// A slot of another cluster is freed while the thread sweeps: it is swept without
    /// a request.
    what_is_freed_is_not_forgotten:
        || {
            let world = one();
            world.store_same(OTHER, B);
            world.mark_freed(OTHER);
            world
        }, [
            |world| world.mark_freed(FIRST),
            World::sweep_if_any,
        ] => [None, None];
}
