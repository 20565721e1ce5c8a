// SPDX-License-Identifier: GPL-2.0-only

//! What threads do at the same time: in every order that the memory model allows, with loom, or
//! repeatedly with threads of the host.
//!
//! A scenario says which threads do what, and how it must end. They run the module's own code: the
//! index, the bays, and the disks' allocators.

/// Tests of that name: how the device begins; what the threads do then, each of which is the first in
/// turn; and the pages that the two slots hold in the end.
macro_rules! scenarios {
    ($($(#[$doc:meta])* $name:ident: $make:expr, [$($run:expr),* $(,)?] => [$first:expr, $second:expr];)*) => {
        $(
            $(#[$doc])*
            #[test]
            fn $name() {
                explore($make, &[$($run),*], |world| world.assert_holds([$first, $second]));
            }
        )*
    };
}

mod clusters;
mod drain;
mod forms;
mod packed;
mod recompression;
mod repair;
mod sweep;
mod writeback;

use crate::number_this_thread;
use crate::world::{At, To, World, FIRST, SECOND};
use std::sync::Arc;

/// Models, as the engine runs them.
#[cfg(loom)]
#[allow(dead_code)]
#[path = "../../../../src/engine/model.rs"]
mod model;

/// What a thread of a scenario does.
type Run = fn(&World);

/// Runs a scenario once, with the first in turn on this thread.
fn run(first: usize, make: fn() -> World, threads: &'static [Run], end: fn(&World)) {
    #[cfg(loom)]
    use loom::thread::spawn;
    #[cfg(not(loom))]
    use std::thread::spawn;

    number_this_thread(0);
    let world = Arc::new(make());
    let others: Vec<_> = (0..threads.len())
        .filter(|me| *me != first)
        .map(|me| {
            let world = world.clone();
            spawn(move || {
                number_this_thread(me);
                threads[me](&world);
            })
        })
        .collect();
    number_this_thread(first);
    threads[first](&world);
    for other in others {
        other.join().unwrap();
    }
    end(&world);
}

/// Runs the threads in every order with up to three preemptions of two of them, or two of three.
///
/// Each of them is the first in turn: of the accesses that a store may race with, loom checks
/// only the last one, so a thread that reads a word before it changes it hides earlier
/// readers.
#[cfg(loom)]
fn explore(make: fn() -> World, threads: &'static [Run], end: fn(&World)) {
    let preemptions = if threads.len() == 2 { 3 } else { 2 };
    for first in 0..threads.len() {
        model::with_preemptions(preemptions, move || {
            crate::rcu::begin_model();
            run(first, make, threads, end);
        });
    }
}

/// Runs the threads repeatedly.
#[cfg(not(loom))]
fn explore(make: fn() -> World, threads: &'static [Run], end: fn(&World)) {
    let times = if cfg!(miri) { 2 } else { 100 };
    for first in 0..threads.len() {
        (0..times).for_each(|_| run(first, make, threads, end));
    }
}

const A: u64 = 1;
const B: u64 = 2;
const C: u64 = 3;

/// The first slot is in the ram tier.
fn in_ram() -> World {
    let world = World::new(3, &[None]);
    world.store_in_ram(FIRST, A);
    world
}

/// A cluster with a table, and nothing but that page in it, on the first disk.
fn in_table(world: World) -> World {
    world.store_same(SECOND, B);
    world.store_on_disk(FIRST, A, 0, At::Any);
    world.free(SECOND);
    world
}

/// The first slot is on the first disk, in a table.
fn on_disk() -> World {
    in_table(World::new(2, &[None, None]))
}

/// Both slots are on the first disk, in a whole cluster.
fn whole() -> World {
    whole_with(2)
}

/// The same with that many objects.
fn whole_with(objects: usize) -> World {
    let world = World::new(objects, &[None, None]);
    world.store_on_disk(FIRST, A, 0, At::Home);
    world.store_on_disk(SECOND, B, 0, At::Home);
    world
}

/// The first slot is on the first disk at its offset, the second in the ram tier.
fn half_whole() -> World {
    half_whole_with(2)
}

/// The same with that many objects.
fn half_whole_with(objects: usize) -> World {
    let world = World::new(objects, &[None]);
    world.store_in_ram(SECOND, B);
    world.store_on_disk(FIRST, A, 0, At::Home);
    world
}

fn write_back(world: &World) {
    world.mover().write_back(FIRST, 0, At::Any);
}

fn recompress(world: &World) {
    world.mover().recompress(FIRST);
}

fn remove(world: &World) {
    world.mover().remove(0, To::Ram, false);
}

fn free(world: &World) {
    world.free(FIRST);
}

fn free_and_store(world: &World) {
    world.free(FIRST);
    world.store_in_ram(FIRST, B);
}

fn overwrite(world: &World) {
    world.store_in_ram(FIRST, B);
}

fn read(world: &World) {
    assert_eq!(world.load(FIRST), A);
}

fn read_and_free(world: &World) {
    read(world);
    world.free(FIRST);
}
