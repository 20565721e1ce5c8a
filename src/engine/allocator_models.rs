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
use loom::cell::UnsafeCell;
use loom::sync::{Arc, Mutex};
use loom::thread;
use std::cell::Cell;
use std::vec::Vec;

impl FreeListLock for Mutex<FreeList> {
    fn with<R>(&self, change: impl FnOnce(&mut FreeList) -> R) -> R {
        change(&mut self.lock().unwrap())
    }
}

/// A disk of two clusters.
#[derive(Default)]
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
        let disk = Self::default();
        disk.allocator().prepare();
        disk
    }

    /// In the first cluster slot 1 is in use, and nobody holds it.
    fn new() -> Self {
        let disk = Self::fresh();
        let held = disk.take().unwrap();
        disk.claim(1, 1);
        disk.let_go(held);
        disk
    }

    /// All is in use but that many slots of the first cluster.
    fn full_but_for(slots: u32) -> Self {
        let disk = Self::new();
        disk.claim(512, 512);
        disk.claim(2 + slots, 510 - slots as usize);
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

    fn let_go(&self, held: HeldCluster) {
        self.list
            .with(|list| self.allocator().space().let_go(held, list));
    }

    fn claim(&self, from: u32, count: usize) {
        assert!(self.allocator().claim_at(slot(from), count));
    }

    fn free(&self, number: u32) {
        assert!(self.allocator().free(slot(number)));
    }

    /// Any slot, for a CPU that has no cluster before and after.
    fn allocate(&self) -> Option<u32> {
        let current = Current::default();
        let run = self.allocator().allocate(&current, 1, false);
        self.allocator().reset(&current);
        run.map(|(slot, _)| slot.number())
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

/// Has two threads do something with what a model is about.
fn two<T: 'static, A, B: 'static>(
    shared: T,
    one: impl FnOnce(&T) -> A,
    other: impl FnOnce(&T) -> B + 'static,
    end: impl FnOnce(&T, A, B),
) {
    let shared = Arc::new(shared);
    let theirs = shared.clone();
    let other = thread::spawn(move || other(&theirs));
    let one = one(&shared);
    end(&shared, one, other.join().unwrap());
}

/// Tests of that name, in all orders or those with so many preemptions: the disk, or what else it is
/// about; what two threads do with it; and how that must end.
macro_rules! models {
    ($(
        $(#[$doc:meta])* $name:ident $(($most:expr))?: $make:expr, [$one:expr, $other:expr $(,)?] =>
            |$shared:pat_param, $mine:pat_param, $theirs:pat_param| $end:expr;
    )*) => {
        $(
            $(#[$doc])*
            #[test]
            fn $name() {
                let model = || two($make, $one, $other, |$shared, $mine, $theirs| $end);
                models!(@run model $($most)?);
            }
        )*
    };
    (@run $model:ident) => { in_every_order($model) };
    (@run $model:ident $most:expr) => { with_preemptions($most, $model) };
}

models! {
    /// Two threads claim in one word at once: their bits are disjoint, and exactly those are set.
    /// Bits 3 and 5 are in the way.
    two_claim_in_a_word:
        {
            let map = SlotMap::default();
            assert!(!map.set(at(3)) && !map.set(at(5)));
            map
        }, [
            |map| map.claim_run(at(1), 2).unwrap(),
            |map| map.claim_run(at(2), 2).unwrap(),
        ] => |map, mine, other| {
            let end = |run: (Offset, usize)| run.0.index() + run.1;
            assert!(end(mine) <= other.0.index() || end(other) <= mine.0.index());
            for run in [mine, other] {
                assert!((run.0.index()..end(run)).all(|bit| bit != 3 && bit != 5 && map.test(at(bit))));
            }
            assert_eq!(map.count(), 2 + mine.1 + other.1);
        };
    /// One claims exact bits in two words while another claims one of them.
    exact_bits_or_none:
        SlotMap::default(), [
            |map| map.claim_exact(at(63), 2),
            |map| map.claim_exact(at(64), 1),
        ] => |map, mine, other| {
            assert_eq!(2 * usize::from(mine) + usize::from(other), map.count());
            assert!(!mine || !other);
            assert_eq!(map.test(at(63)), mine);
            assert!(map.test(at(64)));
        };
    /// A slot's next owner sees what the last one did.
    an_owner_sees_what_the_last_one_did:
        (Disk::new(), UnsafeCell::new(0)), [
            |(disk, page)| {
                page.with_mut(|page| assert!(!page.is_null()));
                disk.free(1);
            },
            |(disk, page)| {
                let claimed = disk.allocator().claim_at(slot(1), 1);
                if claimed {
                    page.with(|page| assert!(!page.is_null()));
                }
                claimed
            },
        ] => |(disk, _), (), claimed| assert_eq!(disk.allocator().space().used(), claimed.into());
    /// Whoever claims a slot of a cluster that is discarded meanwhile does so before or after that.
    a_cluster_is_discarded_while_nobody_has_a_slot:
        (Disk::fresh(), UnsafeCell::new(0)), [
            |(disk, page)| {
                let found = disk.allocator().claim_stale(&mut Search::default());
                if let Some(cluster) = found {
                    page.with_mut(|page| assert!(!page.is_null()));
                    disk.allocator().free_stale(cluster, true);
                }
            },
            |(disk, page)| {
                for _ in 0..2 {
                    if disk.allocator().claim_at(slot(515), 1) {
                        page.with_mut(|page| assert!(!page.is_null()));
                        disk.free(515);
                    }
                }
            },
        ] => |(disk, _), (), ()| disk.assert_nothing_lost(0, &[0, 1]);
    /// The last slot in use is freed while another is claimed. The cluster may be on the list, but is
    /// skipped, and comes back.
    the_last_one_goes_while_another_comes:
        Disk::new(), [|disk| disk.free(1), |disk| disk.claim(2, 1)] => |disk, (), ()| {
            disk.assert_nothing_lost(1, &[1]);
            disk.free(2);
            disk.assert_nothing_lost(0, &[0]);
        };
    /// The last slot in use is freed while another thread wants that very slot: if it fails,
    /// that thread leaves the cluster empty.
    a_claim_in_vain_loses_no_cluster:
        Disk::new(), [
            |disk| disk.free(1),
            |disk| disk.allocator().claim_at(slot(1), 1),
        ] => |disk, (), claimed| {
            let free: &[u32] = if claimed { &[1] } else { &[0, 1] };
            disk.assert_nothing_lost(claimed.into(), free);
        };
    /// Two free the last two slots at once: one of them handles the empty cluster.
    two_free_the_last_ones:
        { let disk = Disk::new(); disk.claim(2, 1); disk },
        [|disk| disk.free(1), |disk| disk.free(2)] =>
        |disk, (), ()| disk.assert_nothing_lost(0, &[0, 1]);
    /// A cluster empties twice before it is on the list, and is then on it once.
    one_empties_twice:
        { let disk = Disk::new(); (Cell::new(disk.take()), disk) }, [
            |(second, disk)| {
                disk.free(1);
                disk.let_go(second.take().unwrap());
            },
            |(_, disk)| {
                disk.claim(2, 1);
                disk.free(2);
            },
        ] => |(_, disk), (), ()| disk.assert_nothing_lost(0, &[0, 1]);
    /// A cluster on the list is in use again and empties, while another thread takes a free one.
    a_listed_one_empties_while_it_is_taken:
        {
            let disk = Disk::new();
            assert!(disk.take().is_some_and(|held| held.number().index() == 1));
            disk.free(1);
            disk.claim(1, 1);
            disk
        }, [|disk| disk.free(1), Disk::take] => |disk, (), taken| {
            assert!(taken.as_ref().is_none_or(|taken| taken.number().index() == 0));
            disk.assert_nothing_lost(0, if taken.is_some() { &[] } else { &[0] });
        };
    /// A fresh cluster is in use and empties, while another thread takes a free one.
    a_fresh_one_empties_while_it_is_taken:
        { let disk = Disk::new(); disk.claim(512, 1); disk },
        [|disk| disk.free(512), Disk::take] => |disk, (), taken| {
            assert!(taken.as_ref().is_none_or(|taken| taken.number().index() == 1));
            disk.assert_nothing_lost(1, if taken.is_some() { &[] } else { &[1] });
        };
    /// A CPU's current cluster empties while the CPU lets go of it.
    a_held_one_empties_while_it_is_let_go:
        {
            let (disk, current) = (Disk::fresh(), Current::default());
            let mine = disk.allocator().allocate(&current, 1, false);
            assert_eq!(mine, Some((slot(1), 1)));
            (disk, current)
        }, [
            |(disk, current)| disk.allocator().reset(current),
            |(disk, _)| disk.free(1),
        ] => |(disk, _), (), ()| disk.assert_nothing_lost(0, &[0, 1]);
    /// Two CPUs continue in the same cluster, the only one with room, and one of them lets go.
    two_go_on_in_one_cluster(2):
        Disk::full_but_for(2), [Disk::allocate, Disk::allocate] => |disk, mine, other| {
            assert!(mine.is_some() && other.is_some() && mine != other);
            disk.assert_nothing_lost(1023, &[]);
        };
    /// A slot is freed while another thread looks for one: if it fails, the slot is found later.
    slots_freed_during_a_search_are_found(2):
        Disk::full_but_for(0), [Disk::allocate, |disk| disk.free(1)] => |disk, during, ()| {
            assert_eq!(during.or_else(|| disk.allocate()), Some(1));
            assert_eq!(disk.allocate(), None);
        };
    /// A slot is freed while the last free one is claimed: as above.
    a_slot_freed_while_the_cluster_fills_is_found(2):
        Disk::full_but_for(1), [|disk| disk.claim(2, 1), |disk| disk.free(1)] => |disk, (), ()| {
            assert_eq!(disk.allocate(), Some(1));
            assert_eq!(disk.allocate(), None);
        };
    /// Two free a full cluster's slots while a third looks: as above.
    slots_freed_by_two_tasks_are_found(2):
        Disk::full_but_for(0), [
            |disk| { disk.free(1); disk.allocate() },
            |disk| disk.free(2),
        ] => |disk, during, ()| {
            let after = core::iter::from_fn(|| disk.allocate());
            let mut found: Vec<_> = during.into_iter().chain(after).collect();
            found.sort_unstable();
            assert_eq!(found, [1, 2]);
        };
}
