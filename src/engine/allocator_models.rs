// SPDX-License-Identifier: GPL-2.0-only

//! Models of threads that claim and free slots of one cluster, in every order that the memory
//! model allows.

use super::allocator::discarding::Search;
use super::allocator::{
    Allocator, ClusterState, Current, Cursor, FreeList, FreeListLock, HeldCluster, Space, Summary,
};
use super::map::SlotMap;
use super::model::{in_every_order, with_preemptions};
use super::slot::{Offset, PhysicalSlot, SLOTS_PER_CLUSTER};
use loom::sync::{Arc, Mutex};
use loom::thread::{self, JoinHandle};
use std::vec::Vec;

impl FreeListLock for Mutex<FreeList> {
    fn with<R>(&self, change: impl FnOnce(&mut FreeList) -> R) -> R {
        change(&mut self.lock().unwrap())
    }
}

/// A disk of two clusters.
struct Disk {
    maps: [SlotMap; 2],
    states: [ClusterState; 2],
    summary: [Summary; 1],
    list: Mutex<FreeList>,
    cursor: Cursor,
}

const SLOTS: u32 = 2 * SLOTS_PER_CLUSTER as u32;

fn slot(number: u32) -> PhysicalSlot {
    PhysicalSlot::new(number)
}

fn at(index: usize) -> Offset {
    Offset::new(index).unwrap()
}

impl Disk {
    /// Both clusters are fresh.
    fn fresh() -> Self {
        let disk = Self {
            maps: Default::default(),
            states: Default::default(),
            summary: Default::default(),
            list: Mutex::new(FreeList::default()),
            cursor: Cursor::default(),
        };
        disk.allocator().prepare();
        disk
    }

    /// In the first cluster slot 1 is in use, and nobody holds it.
    fn new() -> Self {
        let disk = Self::fresh();
        let held = disk.take().unwrap();
        assert!(disk.allocator().claim_at(slot(1), 1));
        disk.list
            .with(|list| disk.allocator().space().let_go(held, list));
        disk
    }

    fn allocator(&self) -> Allocator<'_, Mutex<FreeList>> {
        let space = Space::new(&self.maps, &self.states, &self.summary, SLOTS).unwrap();
        Allocator::new(space, &self.list, &self.cursor)
    }

    fn take(&self) -> Option<HeldCluster> {
        self.list
            .with(|list| self.allocator().space().take_free(list))
    }

    /// After all threads are done, `used` slots are in use, and the clusters that can be taken are
    /// the empty ones that are not held, each once.
    fn assert_nothing_lost(&self, used: u64, free: &[u32]) {
        assert_eq!(self.allocator().space().used(), used);
        assert_eq!(
            self.maps.iter().map(SlotMap::count).sum::<usize>() as u64,
            used + 1
        );
        let mut taken = Vec::new();
        while let Some(cluster) = self.take() {
            taken.push(cluster.number().index());
            assert!(taken.len() <= 2, "a cluster is on the list twice");
        }
        taken.sort_unstable();
        assert_eq!(taken, free);
    }
}

/// Has another thread do something with what a model is about.
fn beside<T: 'static, R: 'static>(
    shared: &Arc<T>,
    other: impl FnOnce(&T) -> R + 'static,
) -> JoinHandle<R> {
    let shared = shared.clone();
    thread::spawn(move || other(&shared))
}

/// Two threads claim in one word at once: their bits are disjoint, and exactly those are set.
#[test]
fn two_claim_in_a_word() {
    in_every_order(|| {
        let map = Arc::new(SlotMap::default());
        // Bits 3 and 5 are in the way.
        assert!(!map.set(at(3)) && !map.set(at(5)));
        let other = beside(&map, |map| map.claim_run(at(2), 2).unwrap());
        let mine = map.claim_run(at(1), 2).unwrap();
        let other = other.join().unwrap();
        let end = |run: (Offset, usize)| run.0.index() + run.1;
        assert!(end(mine) <= other.0.index() || end(other) <= mine.0.index());
        for run in [mine, other] {
            assert!((run.0.index()..end(run)).all(|bit| bit != 3 && bit != 5 && map.test(at(bit))));
        }
        assert_eq!(map.count(), 2 + mine.1 + other.1);
    });
}

/// One claims exact bits in two words while another claims one of them.
#[test]
fn exact_bits_or_none() {
    in_every_order(|| {
        let map = Arc::new(SlotMap::default());
        let other = beside(&map, |map| usize::from(map.claim_exact(at(64), 1)));
        let mine = if map.claim_exact(at(63), 2) { 2 } else { 0 };
        let other = other.join().unwrap();
        assert_eq!(mine + other, map.count());
        assert!(mine == 0 || other == 0);
        assert_eq!(map.test(at(63)), mine == 2);
        assert!(map.test(at(64)));
    });
}

/// A slot's next owner sees what the last one did.
#[test]
fn an_owner_sees_what_the_last_one_did() {
    use loom::cell::UnsafeCell;
    in_every_order(|| {
        let disk = Arc::new((Disk::new(), UnsafeCell::new(0)));
        let other = beside(&disk, |disk| {
            let claimed = disk.0.allocator().claim_at(slot(1), 1);
            if claimed {
                disk.1.with(|page| assert!(!page.is_null()));
            }
            claimed
        });
        disk.1.with_mut(|page| assert!(!page.is_null()));
        assert!(disk.0.allocator().free(slot(1)));
        let used = u64::from(other.join().unwrap());
        assert_eq!(disk.0.allocator().space().used(), used);
    });
}

/// Whoever claims a slot of a cluster that is discarded meanwhile does so before or after that.
#[test]
fn a_cluster_is_discarded_while_nobody_has_a_slot() {
    use loom::cell::UnsafeCell;
    const SLOT: u32 = SLOTS_PER_CLUSTER as u32 + 3;
    in_every_order(|| {
        let disk = Arc::new((Disk::fresh(), UnsafeCell::new(0)));
        let other = {
            let disk = disk.clone();
            thread::spawn(move || {
                let allocator = disk.0.allocator();
                for _ in 0..2 {
                    if allocator.claim_at(slot(SLOT), 1) {
                        disk.1.with_mut(|page| assert!(!page.is_null()));
                        assert!(allocator.free(slot(SLOT)));
                    }
                }
            })
        };
        let allocator = disk.0.allocator();
        let found = allocator.claim_stale(&mut Search::default());
        if let Some(cluster) = found {
            disk.1.with_mut(|page| assert!(!page.is_null()));
            allocator.free_stale(cluster, true);
        }
        other.join().unwrap();
        disk.0.assert_nothing_lost(0, &[0, 1]);
    });
}

/// The last slot in use is freed while another is claimed.
#[test]
fn the_last_one_goes_while_another_comes() {
    in_every_order(|| {
        let disk = Arc::new(Disk::new());
        let other = beside(&disk, |disk| assert!(disk.allocator().claim_at(slot(2), 1)));
        assert!(disk.allocator().free(slot(1)));
        other.join().unwrap();
        // The cluster may be on the list, but is skipped, and comes back.
        disk.assert_nothing_lost(1, &[1]);
        assert!(disk.allocator().free(slot(2)));
        disk.assert_nothing_lost(0, &[0]);
    });
}

/// The last slot in use is freed while another thread wants that very slot: if it fails,
/// that thread leaves the cluster empty.
#[test]
fn a_claim_in_vain_loses_no_cluster() {
    in_every_order(|| {
        let disk = Arc::new(Disk::new());
        let other = beside(&disk, |disk| disk.allocator().claim_at(slot(1), 1));
        assert!(disk.allocator().free(slot(1)));
        if other.join().unwrap() {
            disk.assert_nothing_lost(1, &[1]);
        } else {
            disk.assert_nothing_lost(0, &[0, 1]);
        }
    });
}

/// Two free the last two slots at once: one of them handles the empty cluster.
#[test]
fn two_free_the_last_ones() {
    in_every_order(|| {
        let disk = Arc::new(Disk::new());
        assert!(disk.allocator().claim_at(slot(2), 1));
        let other = beside(&disk, |disk| assert!(disk.allocator().free(slot(2))));
        assert!(disk.allocator().free(slot(1)));
        other.join().unwrap();
        disk.assert_nothing_lost(0, &[0, 1]);
    });
}

/// A cluster empties twice before it is on the list, and is then on it once.
#[test]
fn one_empties_twice() {
    in_every_order(|| {
        let disk = Arc::new(Disk::new());
        let second = disk.take().unwrap();
        let other = beside(&disk, |disk| {
            assert!(disk.allocator().claim_at(slot(2), 1));
            assert!(disk.allocator().free(slot(2)));
        });
        assert!(disk.allocator().free(slot(1)));
        disk.list
            .with(|list| disk.allocator().space().let_go(second, list));
        other.join().unwrap();
        disk.assert_nothing_lost(0, &[0, 1]);
    });
}

/// A cluster on the list is in use again and empties, while another thread takes a free one.
#[test]
fn a_listed_one_empties_while_it_is_taken() {
    in_every_order(|| {
        let disk = Arc::new(Disk::new());
        assert!(disk.take().is_some_and(|held| held.number().index() == 1));
        assert!(disk.allocator().free(slot(1)));
        assert!(disk.allocator().claim_at(slot(1), 1));
        let other = beside(&disk, Disk::take);
        assert!(disk.allocator().free(slot(1)));
        match other.join().unwrap() {
            Some(cluster) => {
                assert_eq!(cluster.number().index(), 0);
                disk.assert_nothing_lost(0, &[]);
            }
            None => disk.assert_nothing_lost(0, &[0]),
        }
    });
}

/// A fresh cluster is in use and empties, while another thread takes a free one.
#[test]
fn a_fresh_one_empties_while_it_is_taken() {
    in_every_order(|| {
        let disk = Arc::new(Disk::new());
        assert!(disk.allocator().claim_at(slot(512), 1));
        let other = beside(&disk, Disk::take);
        assert!(disk.allocator().free(slot(512)));
        match other.join().unwrap() {
            Some(cluster) => {
                assert_eq!(cluster.number().index(), 1);
                disk.assert_nothing_lost(1, &[]);
            }
            None => disk.assert_nothing_lost(1, &[1]),
        }
    });
}

/// A CPU's current cluster empties while the CPU lets go of it.
#[test]
fn a_held_one_empties_while_it_is_let_go() {
    in_every_order(|| {
        let disk = Arc::new(Disk::fresh());
        let current = Current::default();
        let mine = disk.allocator().allocate(&current, 1, false);
        assert_eq!(mine, Some((slot(1), 1)));
        let other = beside(&disk, |disk| assert!(disk.allocator().free(slot(1))));
        disk.allocator().reset(&current);
        other.join().unwrap();
        disk.assert_nothing_lost(0, &[0, 1]);
    });
}

/// Two CPUs continue in the same cluster, the only one with room, and one of them lets go.
#[test]
fn two_go_on_in_one_cluster() {
    with_preemptions(2, || {
        let disk = Arc::new(Disk::new());
        assert!(disk.allocator().claim_at(slot(512), 512));
        // Nothing is free, and two slots are left in the first cluster.
        assert!(disk.allocator().claim_at(slot(4), 508));
        let allocate = |disk: &Disk| {
            let current = Current::default();
            let run = disk.allocator().allocate(&current, 1, false);
            disk.allocator().reset(&current);
            run
        };
        let other = beside(&disk, allocate);
        let mine = allocate(&disk);
        let other = other.join().unwrap();
        assert!(mine.is_some() && other.is_some() && mine != other);
        disk.assert_nothing_lost(1023, &[]);
    });
}

/// A disk that is full except for that many slots of the first cluster.
fn full_but_for(slots: usize) -> Disk {
    let disk = Disk::new();
    assert!(disk.allocator().claim_at(slot(512), 512));
    assert!(disk
        .allocator()
        .claim_at(slot(2 + slots as u32), 510 - slots));
    disk
}

fn allocate_one(disk: &Disk) -> Option<PhysicalSlot> {
    let current = Current::default();
    let run = disk.allocator().allocate(&current, 1, false);
    disk.allocator().reset(&current);
    run.map(|(slot, _)| slot)
}

/// A slot is freed while another thread looks for one: if it fails, the slot is found later.
#[test]
fn slots_freed_during_a_search_are_found() {
    with_preemptions(2, || {
        let disk = Arc::new(full_but_for(0));
        let other = beside(&disk, |disk| assert!(disk.allocator().free(slot(1))));
        let during = allocate_one(&disk);
        other.join().unwrap();
        let found = during.or_else(|| allocate_one(&disk));
        assert_eq!(found, Some(slot(1)));
        assert_eq!(allocate_one(&disk), None);
    });
}

/// A slot is freed while the last free one is claimed: as above.
#[test]
fn a_slot_freed_while_the_cluster_fills_is_found() {
    with_preemptions(2, || {
        let disk = Arc::new(full_but_for(1));
        let other = beside(&disk, |disk| assert!(disk.allocator().free(slot(1))));
        assert!(disk.allocator().claim_at(slot(2), 1));
        other.join().unwrap();
        assert_eq!(allocate_one(&disk), Some(slot(1)));
        assert_eq!(allocate_one(&disk), None);
    });
}

/// Two free a full cluster's slots while a third looks: as above.
#[test]
fn slots_freed_by_two_tasks_are_found() {
    with_preemptions(2, || {
        let disk = Arc::new(full_but_for(0));
        let other = beside(&disk, |disk| assert!(disk.allocator().free(slot(2))));
        assert!(disk.allocator().free(slot(1)));
        let during = allocate_one(&disk);
        other.join().unwrap();
        let after = core::iter::from_fn(|| allocate_one(&disk));
        let mut found: Vec<_> = during.into_iter().chain(after).collect();
        found.sort_unstable_by_key(|slot| slot.number());
        assert_eq!(found, [slot(1), slot(2)]);
    });
}
