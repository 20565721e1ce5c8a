// SPDX-License-Identifier: GPL-2.0-only

//! The allocator's single steps, each with its expected result: the free list is a
//! queue behind the clusters that were never taken.

use crate::allocator::{Model, Use};
use arbitrary::Arbitrary;
use std::collections::VecDeque;
use vswap_engine::allocator::{
    ClusterState, Cursor, FreeList, Freed, HeldCluster, Refused, Space, Summary,
};
use vswap_engine::map::SlotMap;
use vswap_engine::slot::{Offset, PhysicalCluster, PhysicalSlot, SLOTS_PER_CLUSTER};

const MOST: u16 = 4 * 512 + 100;

#[derive(Arbitrary, Debug)]
enum Step {
    Take,
    LetGo(u8),
    Hold(u8),
    PutFree(u8),
    ClaimAt(u8, u16, u16),
    ClaimRun(u8, u16, u16),
    ClaimWholeRun(u8, u16, u16),
    Free(u16),
    FreeCluster(u8),
    Retire(u16),
    FindPartial(#[allow(dead_code, reason = "inputs kept from before have a size")] u16),
}

/// Runs an input: the disk's size, then steps.
pub fn run(data: &[u8]) {
    let Some((slots, steps)) = crate::read::<u16, Step>(data) else {
        return;
    };
    let slots = slots % MOST;
    let clusters = Space::clusters(slots.into());
    let maps: Vec<SlotMap> = (0..clusters).map(|_| SlotMap::default()).collect();
    let states: Vec<ClusterState> = (0..clusters).map(|_| ClusterState::default()).collect();
    let summary: Vec<Summary> = (0..Space::summaries(slots.into()))
        .map(|_| Summary::default())
        .collect();
    let space = Space::new(&maps, &states, &summary, slots.into()).expect("as many as it needs");
    let mut list = FreeList::default();
    space.prepare(&mut list);
    let mut disk = Disk {
        space,
        list,
        cursor: Cursor::default(),
        slots: Model::new(slots),
        fresh: 0,
        queue: VecDeque::new(),
        held: Vec::new(),
        next: 0,
    };
    for step in steps.iter().take(400) {
        disk.step(step);
    }
    for held in std::mem::take(&mut disk.held) {
        disk.space.let_go(held, &mut disk.list);
    }
    while let Some(held) = disk.space.take_free(&mut disk.list) {
        let slots = disk.slots.cluster(held.number());
        assert!(!slots.contains(&Use::Used) && slots.contains(&Use::Free));
        disk.held.push(held);
    }
    let empty = disk.all().filter(|cluster| disk.is_empty(*cluster));
    assert_eq!(empty.count(), disk.held.len(), "a cluster is lost");
}

struct Disk<'a> {
    space: Space<'a>,
    list: FreeList,
    cursor: Cursor,
    slots: Model,
    fresh: u32,
    queue: VecDeque<PhysicalCluster>,
    held: Vec<HeldCluster>,
    /// Where the search for room continues.
    next: usize,
}

impl Disk<'_> {
    fn all(&self) -> impl Iterator<Item = PhysicalCluster> {
        (0..)
            .take(self.slots.0.len().div_ceil(SLOTS_PER_CLUSTER))
            .filter_map(PhysicalCluster::new)
    }

    /// A cluster by its number; some are none of the disk's.
    fn cluster(&self, number: u8) -> PhysicalCluster {
        PhysicalCluster::new(u32::from(number % 7)).expect("a low number")
    }

    /// Whether no slot is in use, and one can be.
    fn is_empty(&self, cluster: PhysicalCluster) -> bool {
        let slots = self.slots.cluster(cluster);
        !slots.contains(&Use::Used) && slots.contains(&Use::Free)
    }

    fn is_held(&self, cluster: PhysicalCluster) -> bool {
        self.held.iter().any(|held| held.number() == cluster)
    }

    fn is_there(&self, cluster: PhysicalCluster) -> bool {
        !self.slots.cluster(cluster).is_empty()
    }

    fn room(&self, cluster: PhysicalCluster) -> usize {
        let slots = self.slots.cluster(cluster);
        slots.iter().filter(|is| **is == Use::Free).count()
    }

    fn is_listed(&self, cluster: PhysicalCluster) -> bool {
        self.queue.contains(&cluster)
    }

    /// The expected result of taking a cluster.
    fn next_free(&mut self) -> Option<PhysicalCluster> {
        while let Some(cluster) = PhysicalCluster::new(self.fresh).filter(|c| self.is_there(*c)) {
            self.fresh += 1;
            if self.is_empty(cluster) && !self.is_held(cluster) {
                return Some(cluster);
            }
        }
        while let Some(cluster) = self.queue.pop_front() {
            if self.is_empty(cluster) && !self.is_held(cluster) {
                return Some(cluster);
            }
        }
        None
    }

    /// Whether putting a cluster on the list has an effect.
    fn goes_on_list(&self, cluster: PhysicalCluster) -> bool {
        cluster.index() < self.fresh
            && self.is_empty(cluster)
            && !self.is_held(cluster)
            && !self.is_listed(cluster)
    }

    fn put_free(&mut self, cluster: PhysicalCluster) {
        let expected = self.goes_on_list(cluster);
        assert_eq!(self.space.put_free(cluster, &mut self.list), expected);
        if expected {
            self.queue.push_back(cluster);
        }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Take => {
                let expected = self.next_free();
                let taken = self.space.take_free(&mut self.list);
                assert_eq!(taken.as_ref().map(HeldCluster::number), expected);
                self.held.extend(taken);
            }
            Step::LetGo(which) => {
                let Some(which) = usize::from(which).checked_rem(self.held.len()) else {
                    return;
                };
                let held = self.held.swap_remove(which);
                let cluster = held.number();
                if self.goes_on_list(cluster) {
                    self.queue.push_back(cluster);
                }
                self.space.let_go(held, &mut self.list);
            }
            Step::Hold(number) => {
                let cluster = self.cluster(number);
                let free = self.is_there(cluster) && !self.is_held(cluster);
                let held = self.space.hold(cluster, &mut self.list);
                assert_eq!(held.is_some(), free);
                self.held.extend(held);
            }
            Step::PutFree(number) => self.put_free(self.cluster(number)),
            Step::ClaimAt(cluster, from, count) => {
                let (from, count) = (usize::from(from % 512), usize::from(count % 520));
                let cluster = self.cluster(cluster);
                let first = self.is_clear(cluster, from, count).then_some(from);
                let from = Offset::new(from).expect("below 512");
                let claimed = self.space.claim_at(cluster, from, count);
                self.claimed(
                    cluster,
                    claimed.map(|()| (cluster.slot(from), count)),
                    first,
                    count,
                );
            }
            Step::ClaimRun(cluster, from, want) => {
                let (from, want) = (usize::from(from % 512), usize::from(want % 520));
                let cluster = self.cluster(cluster);
                let first = (from..SLOTS_PER_CLUSTER)
                    .find(|first| want > 0 && self.is_clear(cluster, *first, 1));
                let most = want.min(self.room(cluster));
                let count = first.map_or(0, |first| {
                    (1..=most)
                        .take_while(|count| self.is_clear(cluster, first, *count))
                        .count()
                });
                let from = Offset::new(from).expect("below 512");
                let claimed = self.space.claim_run(cluster, from, want);
                self.claimed(cluster, claimed, first, count);
            }
            Step::ClaimWholeRun(cluster, from, count) => {
                let (from, count) = (usize::from(from % 512), usize::from(count % 520));
                let cluster = self.cluster(cluster);
                let first =
                    (from..SLOTS_PER_CLUSTER).find(|first| self.is_clear(cluster, *first, count));
                let from = Offset::new(from).expect("below 512");
                let claimed = self.space.claim_whole_run(cluster, from, count);
                self.claimed(cluster, claimed.map(|slot| (slot, count)), first, count);
            }
            Step::Free(number) => {
                let slot = PhysicalSlot::new(number.into());
                if self.slots.get(slot) == Some(Use::Lost) && number != 0 {
                    return;
                }
                let freed = self.space.free(slot);
                self.freed(slot, freed, Use::Free);
            }
            Step::FreeCluster(number) => {
                let cluster = self.cluster(number);
                for offset in Offset::all() {
                    let slot = cluster.slot(offset);
                    if self.slots.get(slot) == Some(Use::Used) {
                        let freed = self.space.free(slot);
                        self.freed(slot, freed, Use::Free);
                    }
                }
            }
            Step::Retire(number) => {
                let slot = PhysicalSlot::new(number.into());
                if self.slots.get(slot) == Some(Use::Lost) && number != 0 {
                    return;
                }
                let freed = self.space.retire(slot);
                self.freed(slot, freed, Use::Lost);
            }
            Step::FindPartial(_) => self.find_partial(),
        }
    }

    fn is_clear(&self, cluster: PhysicalCluster, from: usize, count: usize) -> bool {
        let slots = self.slots.cluster(cluster).get(from..from + count);
        count > 0 && slots.is_some_and(|slots| slots.iter().all(|is| *is == Use::Free))
    }

    fn claimed(
        &mut self,
        cluster: PhysicalCluster,
        claimed: Result<(PhysicalSlot, usize), Refused>,
        first: Option<usize>,
        count: usize,
    ) {
        let Some(first) = first else {
            let emptied = Refused::Emptied(cluster);
            match claimed.expect_err("there is no such run") {
                Refused::NoRoom => {}
                // It counted, and counted back: the cluster was empty all the time.
                refused => assert!(refused == emptied && self.is_empty(cluster)),
            }
            return;
        };
        let slot = cluster.slot(Offset::new(first).expect("below 512"));
        assert_eq!(claimed, Ok((slot, count)));
        self.slots.claim((slot, count));
    }

    fn freed(&mut self, slot: PhysicalSlot, freed: Freed, to: Use) {
        if self.slots.get(slot) != Some(Use::Used) {
            return assert_eq!(freed, Freed::NotInUse, "{slot:?}");
        }
        self.slots.set(slot, to);
        let cluster = slot.cluster();
        let emptied = self.is_empty(cluster) && !self.is_held(cluster) && !self.is_listed(cluster);
        if !emptied {
            return assert_eq!(freed, Freed::Done, "{slot:?}");
        }
        assert_eq!(freed, Freed::Emptied(cluster));
        self.put_free(cluster);
    }

    fn find_partial(&mut self) {
        let clusters: Vec<PhysicalCluster> = self.all().collect();
        let start = self.next.min(clusters.len());
        let around = clusters[start..].iter().chain(&clusters[..start]);
        let expected = around.copied().find(|cluster| self.room(*cluster) > 0);
        assert_eq!(self.space.find_partial(&self.cursor), expected);
        if let Some(found) = expected {
            self.next = found.index() as usize + 1;
        }
    }
}
