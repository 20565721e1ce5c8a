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
                explore($make, &[$($run),*], [$first, $second]);
            }
        )*
    };
}

/// Devices, as scenarios begin.
macro_rules! worlds {
    ($($(#[$doc:meta])* $name:ident: $make:expr;)*) => {
        $($(#[$doc])* fn $name() -> World { $make })*
    };
}

/// What a thread does to the device.
macro_rules! tasks {
    ($($(#[$doc:meta])* $name:ident: |$world:ident| $run:expr;)*) => {
        $($(#[$doc])* fn $name($world: &World) { $run; })*
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
use crate::world::To::{Disk, Entry, Home, Packed, Ram};
use crate::world::{World, FIRST, SECOND};
#[cfg(loom)]
use loom::thread::spawn;
use std::sync::Arc;
#[cfg(not(loom))]
use std::thread::spawn;

/// Models, as the engine runs them.
#[cfg(loom)]
#[allow(dead_code)]
#[path = "../../../../src/engine/model.rs"]
mod model;

/// What a thread of a scenario does.
type Run = fn(&World);

/// Runs a scenario once, with the first in turn on this thread. It must end with those pages.
fn run(first: usize, make: fn() -> World, threads: &'static [Run], pages: [Option<u64>; 2]) {
    number_this_thread(0);
    let world = Arc::new(make());
    let task = |me: usize| {
        let world = world.clone();
        move || {
            number_this_thread(me);
            threads[me](&world);
        }
    };
    let others = (0..threads.len()).filter(|me| *me != first);
    let others: Vec<_> = others.map(|me| spawn(task(me))).collect();
    task(first)();
    others.into_iter().for_each(|other| other.join().unwrap());
    world.assert_holds(pages);
}

/// Runs a scenario in every order with up to three preemptions of two threads, or two of three; with
/// plain threads repeatedly.
///
/// Each of them is the first in turn: of the accesses that a store may race with, loom checks
/// only the last one, so a thread that reads a word before it changes it hides earlier
/// readers.
fn explore(make: fn() -> World, threads: &'static [Run], pages: [Option<u64>; 2]) {
    for first in 0..threads.len() {
        #[cfg(loom)]
        model::with_preemptions(if threads.len() == 2 { 3 } else { 2 }, move || {
            crate::rcu::begin_model();
            run(first, make, threads, pages);
        });
        #[cfg(not(loom))]
        (0..if cfg!(miri) { 2 } else { 100 }).for_each(|_| run(first, make, threads, pages));
    }
}

const A: u64 = 1;
const B: u64 = 2;
const C: u64 = 3;

worlds! {
    /// The first slot is in the ram tier.
    in_ram: World::new(3, &[None]).holding(FIRST, A, Ram);
    /// The first slot is on the first disk, in a table.
    on_disk: in_table(World::new(2, &[None, None]));
    /// Both slots are on the first disk, in a whole cluster.
    whole: whole_of(World::new(2, &[None, None]));
    /// The first slot is on the first disk at its offset, the second in the ram tier.
    half_whole: half_whole_of(World::new(2, &[None]));
    /// The first disk takes nothing in the first slot of the home.
    bad: World::new(2, &[Some(0), None]);
}

/// A cluster with a table, and nothing but that page in it, on the first disk.
fn in_table(world: World) -> World {
    let world = world.holding(SECOND, B, Entry).holding(FIRST, A, Disk(0));
    world.free(SECOND);
    world
}

fn whole_of(world: World) -> World {
    world.holding(FIRST, A, Home(0)).holding(SECOND, B, Home(0))
}

fn half_whole_of(world: World) -> World {
    world.holding(SECOND, B, Ram).holding(FIRST, A, Home(0))
}

tasks! {
    read: |world| assert_eq!(world.find(FIRST), Some(A));
    read_and_free: |world| { read(world); free(world) };
    read_the_other: |world| assert_eq!(world.find(SECOND), Some(B));
    free: |world| world.free(FIRST);
    overwrite: |world| world.store(FIRST, B, Ram);
    free_and_store: |world| { free(world); overwrite(world) };
    mark_and_sweep: |world| { world.mark_freed(FIRST); world.sweep() };
    write_back: |world| world.mover().write_back(FIRST, Disk(0));
    recompress: |world| world.mover().recompress(FIRST);
    /// What was in memory goes home.
    collapse: |world| world.mover().write_back(SECOND, Home(0));
    /// Another page is stored, for which a whole cluster needs a table.
    spread: |world| world.store(SECOND, C, Ram);
    /// The first disk goes, and its pages to memory.
    remove: |world| world.mover().remove(0, Ram, false);
    /// The same, and to the other disk.
    remove_to_the_other: |world| world.mover().remove(0, Disk(1), false);
    /// Its pages go, and it stays.
    empty: |world| world.mover().remove(0, Ram, true);
    empty_to_the_other: |world| world.mover().remove(0, Disk(1), true);
    /// The other disk goes.
    remove_the_other: |world| world.mover().remove(1, Ram, false);
}
