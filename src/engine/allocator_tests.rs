// SPDX-License-Identifier: GPL-2.0-only

use super::discarding::Search;
use super::*;
use core::sync::atomic::AtomicBool;
use proptest::prelude::*;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Mutex;
use std::vec::Vec;

impl FreeListLock for Mutex<FreeList> {
    fn with<R>(&self, change: impl FnOnce(&mut FreeList) -> R) -> R {
        change(&mut self.lock().unwrap())
    }
}

struct Disk {
    maps: Vec<SlotMap>,
    states: Vec<ClusterState>,
    summary: Vec<Summary>,
    slots: u32,
    list: Mutex<FreeList>,
    cursor: Cursor,
}

impl Disk {
    fn new(slots: u32) -> Self {
        let clusters = Space::clusters(slots);
        let disk = Self {
            maps: (0..clusters).map(|_| SlotMap::default()).collect(),
            states: (0..clusters).map(|_| ClusterState::default()).collect(),
            summary: (0..Space::summaries(slots))
                .map(|_| Summary::default())
                .collect(),
            slots,
            list: Mutex::default(),
            cursor: Cursor::default(),
        };
        disk.allocator().prepare();
        disk
    }

    fn space(&self) -> Space<'_> {
        Space::new(&self.maps, &self.states, &self.summary, self.slots).unwrap()
    }

    fn allocator(&self) -> Allocator<'_, Mutex<FreeList>> {
        Allocator::new(self.space(), &self.list, &self.cursor)
    }

    fn take(&self) -> Option<HeldCluster> {
        self.space().take_free(&mut self.list.lock().unwrap())
    }

    /// The clusters on the list, in its order.
    fn listed(&self) -> Vec<u32> {
        let list = self.list.lock().unwrap();
        let mut listed = Vec::new();
        if let Some((first, last)) = list.ends {
            listed.push(first.index());
            while *listed.last().unwrap() != last.index() {
                assert!(listed.len() <= self.states.len(), "the list has a loop");
                let state = &self.states[*listed.last().unwrap() as usize];
                listed.push(state.next.load(Ordering::Relaxed));
            }
        }
        listed
    }

    /// The groups that are marked.
    fn marks(&self) -> Vec<usize> {
        self.space().marked(0).collect()
    }

    /// What holds whenever no operation is in progress.
    fn check(&self) {
        let listed = self.listed();
        let fresh = self.list.lock().unwrap().fresh;
        for (cluster, state) in (0..).zip(&self.states) {
            let word = state.word();
            let times = listed.iter().filter(|other| **other == cluster).count();
            assert_eq!(times, usize::from(word.is_listed()), "cluster {cluster}");
            assert!(!word.is_listed() || cluster < fresh);
            assert!(
                !word.is_free() || word.is_listed() || cluster >= fresh,
                "{cluster} is missing"
            );
            let group = cluster as usize / GROUP;
            let is_marked = self.marks().contains(&group);
            assert!(is_marked || word.room() == 0, "{cluster} is overlooked");
            let set = self.maps[cluster as usize].count();
            assert_eq!(word.used() + word.lost(), set, "cluster {cluster}");
        }
    }
}

fn cluster(number: u32) -> PhysicalCluster {
    PhysicalCluster::new(number).unwrap()
}

#[derive(Clone, Debug)]
enum Step {
    Allocate {
        cpu: usize,
        want: usize,
        contiguous: bool,
    },
    ClaimAt {
        slot: usize,
        count: usize,
    },
    Free {
        which: usize,
        count: usize,
    },
    Retire {
        which: usize,
    },
    Reset {
        cpu: usize,
    },
    Discard {
        clusters: usize,
        is_discarded: bool,
    },
}

const CPUS: usize = 3;

fn want() -> impl Strategy<Value = usize> {
    prop_oneof![1usize..=16, 1usize..=512, Just(512)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..CPUS, want(), any::<bool>())
            .prop_map(|(cpu, want, contiguous)| Step::Allocate { cpu, want, contiguous }),
        1 => (any::<usize>(), prop_oneof![1usize..8, 1usize..=520])
            .prop_map(|(slot, count)| Step::ClaimAt { slot, count }),
        6 => (any::<usize>(), prop_oneof![1usize..8, 1usize..1000])
            .prop_map(|(which, count)| Step::Free { which, count }),
        1 => any::<usize>().prop_map(|which| Step::Retire { which }),
        1 => (0..CPUS).prop_map(|cpu| Step::Reset { cpu }),
        1 => (1usize..4, any::<bool>())
            .prop_map(|(clusters, is_discarded)| Step::Discard { clusters, is_discarded }),
    ]
}

/// The expected state of a disk: which slots are in use, and which are lost.
struct Model {
    used: BTreeSet<u32>,
    retired: BTreeSet<u32>,
    slots: u32,
}

impl Model {
    fn claim(&mut self, first: PhysicalSlot, count: usize) {
        let cluster = first.cluster();
        for number in first.number()..first.number() + count as u32 {
            assert!(
                (1..self.slots).contains(&number),
                "slot {number} is reserved"
            );
            assert!(!self.retired.contains(&number), "slot {number} is retired");
            assert!(
                self.used.insert(number),
                "slot {number} is handed out twice"
            );
            assert_eq!(PhysicalSlot::new(number).cluster(), cluster);
        }
    }

    fn is_free(&self, number: u32) -> bool {
        (1..self.slots).contains(&number)
            && !self.used.contains(&number)
            && !self.retired.contains(&number)
    }

    fn pick(&self, which: usize) -> Option<u32> {
        let which = which.checked_rem(self.used.len())?;
        self.used.iter().nth(which).copied()
    }

    /// Whether a cluster that is no CPU's current one has all its slots free.
    fn has_whole_cluster(&self, cpus: &[Current]) -> bool {
        (0..self.slots / 512).map(cluster).any(|cluster| {
            cpus.iter().all(|cpu| cpu.cluster() != Some(cluster))
                && Offset::all().all(|offset| self.is_free(cluster.slot(offset).number()))
        })
    }

    fn step(&mut self, allocator: Allocator<'_, Mutex<FreeList>>, cpus: &[Current], step: Step) {
        match step {
            Step::Allocate {
                cpu,
                want,
                contiguous,
            } => match allocator.allocate(&cpus[cpu], want, contiguous) {
                Some((first, count)) => {
                    assert!((1..=want).contains(&count) && (!contiguous || count == want));
                    self.claim(first, count);
                }
                None if contiguous => assert!(!self.has_whole_cluster(cpus)),
                None => assert!((0..self.slots).all(|number| !self.is_free(number))),
            },
            Step::ClaimAt { slot, count } => {
                let first = PhysicalSlot::new((slot % (self.slots as usize + 600)) as u32);
                let end = first.number() + count as u32;
                let one_cluster = first.offset().index() + count <= 512;
                let free = (first.number()..end).all(|number| self.is_free(number));
                assert_eq!(allocator.claim_at(first, count), one_cluster && free);
                if one_cluster && free {
                    self.claim(first, count);
                }
            }
            Step::Free { which, count } => {
                for _ in 0..count {
                    let Some(number) = self.pick(which) else {
                        break;
                    };
                    self.used.remove(&number);
                    assert!(allocator.free(PhysicalSlot::new(number)));
                }
                let other = (which % (2 * self.slots as usize)) as u32;
                if !self.used.contains(&other) && !self.retired.contains(&other) {
                    assert!(
                        !allocator.free(PhysicalSlot::new(other)),
                        "{other} was not in use"
                    );
                    assert!(!allocator.retire(PhysicalSlot::new(other)));
                }
            }
            Step::Retire { which } => {
                if let Some(number) = self.pick(which) {
                    self.used.remove(&number);
                    self.retired.insert(number);
                    assert!(allocator.retire(PhysicalSlot::new(number)));
                }
            }
            Step::Reset { cpu } => allocator.reset(&cpus[cpu]),
            Step::Discard {
                clusters,
                is_discarded,
            } => {
                let stale = allocator.stale();
                let mut search = Search::default();
                let found: Vec<_> = (0..clusters)
                    .map_while(|_| allocator.claim_stale(&mut search))
                    .collect();
                assert_eq!(found.len(), clusters.min(stale));
                for cluster in &found {
                    self.claim(cluster.slot(Offset::FIRST), SLOTS_PER_CLUSTER);
                }
                for cluster in &found {
                    let first = cluster.slot(Offset::FIRST).number();
                    self.used
                        .retain(|number| !(first..first + 512).contains(number));
                    allocator.free_stale(*cluster, is_discarded);
                }
                let done = if is_discarded { found.len() } else { 0 };
                assert_eq!(allocator.stale(), stale - done);
            }
        }
        let space = allocator.space();
        assert_eq!(space.used(), self.used.len() as u64);
        assert_eq!(space.retired(), self.retired.len() as u64);
        assert_eq!(
            space.capacity(),
            u64::from(self.slots - 1) - space.retired()
        );
    }
}

/// A disk takes long, so there are fewer cases than usual, unless a number is given.
fn config() -> ProptestConfig {
    let mut config = ProptestConfig::default();
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = 192;
    }
    config
}

proptest! {
    #![proptest_config(config())]

    /// Any sequence of steps leaves the disk like a set of the slots in use, and in the end
    /// every other slot can be allocated: also those in unused clusters that CPUs hold.
    #[test]
    fn a_disk_is_a_set(
        slots in prop_oneof![1u32..2600, (1u32..5).prop_map(|clusters| clusters * 512)],
        steps in prop::collection::vec(step(), 0..150),
    ) {
        let disk = Disk::new(slots);
        let cpus: [Current; CPUS] = Default::default();
        let mut model = Model { used: BTreeSet::new(), retired: BTreeSet::new(), slots };
        disk.check();
        for step in steps {
            model.step(disk.allocator(), &cpus, step);
            disk.check();
        }
        while let Some((first, count)) = disk.allocator().allocate(&cpus[0], 7, false) {
            model.claim(first, count);
        }
        disk.check();
        prop_assert!((0..slots).all(|number| !model.is_free(number)));
        prop_assert_eq!(disk.space().used(), disk.space().capacity());

        for number in core::mem::take(&mut model.used) {
            prop_assert!(disk.allocator().free(PhysicalSlot::new(number)));
        }
        cpus.iter().for_each(|cpu| disk.allocator().reset(cpu));
        disk.check();
        prop_assert_eq!(disk.space().used(), 0);
        let mut taken = 0;
        while disk.take().is_some() {
            taken += 1;
        }
        let full = disk.states.iter().filter(|state| state.word().room() == 0).count();
        prop_assert_eq!(taken + full, disk.states.len());
    }

    /// On an unused disk, one CPU's allocations are consecutive.
    #[test]
    fn a_single_writer_goes_straight_on(slots in 1u32..5000, wants in prop::collection::vec(want(), 1..200)) {
        let disk = Disk::new(slots);
        let current = Current::default();
        let mut next = 1;
        for want in wants {
            let Some((first, count)) = disk.allocator().allocate(&current, want, false) else {
                prop_assert_eq!(next, slots, "the disk isn't full");
                break;
            };
            prop_assert_eq!(first.number(), next);
            // Only the end of a cluster or of the disk cuts a run short.
            let end = next + count as u32;
            prop_assert!(count == want || end % 512 == 0 || end == slots);
            next = end;
        }
    }

    /// Contiguous runs of up to half a cluster ascend, and skip gaps that are too short.
    #[test]
    fn contiguous_runs_ascend(wants in prop::collection::vec(1usize..=256, 1..60)) {
        let disk = Disk::new(1 << 16);
        let current = Current::default();
        let mut next = 1;
        for want in wants {
            let (first, count) = disk.allocator().allocate(&current, want, true).unwrap();
            prop_assert_eq!(count, want);
            let left_out = first.number() - next;
            prop_assert!(left_out == 0 || (left_out as usize) < want && first.offset() == Offset::FIRST);
            next = first.number() + count as u32;
        }
    }

    /// Clusters come off the list in the order in which they went on it, after the fresh ones.
    #[test]
    fn the_free_list_is_a_queue(steps in prop::collection::vec(any::<(bool, usize)>(), 0..200)) {
        let disk = Disk::new(512 * 8);
        let (mut queue, mut fresh) = (VecDeque::new(), 0..8);
        let mut taken = Vec::new();
        let list = || disk.list.lock().unwrap();
        for (take, which) in steps {
            if take {
                let expected = fresh.next().or_else(|| queue.pop_front());
                let held = disk.take();
                prop_assert_eq!(held.as_ref().map(|held| held.number().index()), expected);
                taken.extend(held);
            } else if !taken.is_empty() {
                let held = taken.swap_remove(which % taken.len());
                let cluster = held.number();
                prop_assert!(!disk.space().put_free(cluster, &mut list()), "it is held");
                disk.space().let_go(held, &mut list());
                prop_assert!(!disk.space().put_free(cluster, &mut list()), "it is there already");
                queue.push_back(cluster.index());
            }
            prop_assert_eq!(&disk.listed(), &Vec::from_iter(queue.iter().copied()));
        }
    }
}

#[test]
fn only_memory_for_each_cluster_is_a_disk() {
    let maps: [SlotMap; 2] = Default::default();
    let states: [ClusterState; 2] = Default::default();
    let summary: [Summary; 1] = Default::default();
    for (slots, fits) in [(512, false), (513, true), (1024, true), (1025, false)] {
        assert_eq!(Space::new(&maps, &states, &summary, slots).is_some(), fits);
    }
    assert!(Space::new(&maps, &states[..1], &summary, 1024).is_none());
    assert!(Space::new(&maps[..1], &states, &summary, 1024).is_none());
    assert!(Space::new(&maps, &states, &[], 1024).is_none());
    let none = Space::new(&[], &[], &[], 0).unwrap();
    none.prepare(&mut FreeList::default());
    assert_eq!((none.capacity(), none.retired()), (0, 0));
    assert_eq!(none.find_partial(&Cursor::default()), None);
}

#[test]
fn a_held_cluster_goes_on_the_list_when_it_is_let_go() {
    let disk = Disk::new(512 * 3);
    let space = disk.space();
    let list = &mut disk.list.lock().unwrap();
    let held = space.take_free(list).unwrap();
    let taken = held.number();
    assert_eq!(space.hold(taken, list), None, "it is held already");
    assert!(!space.put_free(taken, list));
    assert_eq!(space.claim_at(taken, Offset::new(9).unwrap(), 1), Ok(()));
    let slot = taken.slot(Offset::new(9).unwrap());
    assert_eq!(space.free(slot), Freed::Done);
    assert_eq!(space.free(slot), Freed::NotInUse);
    space.let_go(held, list);
    assert_eq!(list.ends, Some((taken, taken)));

    // One in use is not on it, until it empties. Claiming in a fresh one keeps it from being taken.
    let fresh = cluster(1);
    let run = (fresh.slot(Offset::FIRST), 2);
    assert_eq!(space.claim_run(fresh, Offset::FIRST, 2), Ok(run));
    assert_eq!(space.take_free(list), Some(HeldCluster(cluster(2))));
    assert_eq!(space.free(PhysicalSlot::new(512)), Freed::Done);
    assert!(!space.put_free(fresh, list));
    assert_eq!(space.free(PhysicalSlot::new(513)), Freed::Emptied(fresh));
    assert!(space.put_free(fresh, list));
    assert_eq!(list.ends, Some((taken, fresh)));

    // Nor is one in use taken that is on the list.
    let run = space.claim_whole_run(taken, Offset::FIRST, 3);
    assert_eq!(run, Ok(PhysicalSlot::new(1)));
    assert_eq!(space.take_free(list), Some(HeldCluster(fresh)));
    assert_eq!(space.take_free(list), None);
    // The last slot may also be retired.
    assert_eq!(space.free(PhysicalSlot::new(1)), Freed::Done);
    assert_eq!(space.free(PhysicalSlot::new(2)), Freed::Done);
    assert_eq!(space.retire(PhysicalSlot::new(3)), Freed::Emptied(taken));
    assert!(space.put_free(taken, list));
}

#[test]
fn a_large_run_leaves_the_current_cluster_alone() {
    let disk = Disk::new(512 * 4);
    let current = Current::default();
    let next = |want, contiguous| {
        let run = disk
            .allocator()
            .allocate(&current, want, contiguous)
            .unwrap();
        (run.0.number(), run.1)
    };
    assert_eq!(next(10, true), (1, 10));
    assert_eq!(next(512, true), (512, 512));
    assert_eq!(next(10, true), (11, 10));
    assert_eq!(next(500, true), (1024, 500));
    assert_eq!(next(10, false), (21, 10));
    // More is left in the new one than in the old.
    assert_eq!(next(480, true), (31, 480));
    assert_eq!(next(30, true), (1536, 30));
    assert_eq!(next(10, false), (1566, 10));
    disk.check();
}

/// In the first free cluster slot 0 is in the way, so it goes to the end of the list.
#[test]
fn a_whole_cluster_is_found_behind_one_that_is_not() {
    let disk = Disk::new(512 * 2 + 100);
    let allocate = |current: &Current| disk.allocator().allocate(current, 512, true);
    let currents: [Current; 2] = Default::default();
    assert_eq!(allocate(&currents[0]), Some((PhysicalSlot::new(512), 512)));
    assert_eq!(allocate(&currents[1]), None);
    disk.check();
    assert_eq!(disk.listed().len(), 2);
}

#[test]
fn the_search_for_room_goes_round() {
    let disk = Disk::new(512 * 130);
    let space = disk.space();
    let find = || space.find_partial(&disk.cursor).map(PhysicalCluster::index);
    let fill = |number| space.claim_at(cluster(number), Offset::FIRST, 512);
    assert_eq!([find(), find(), find()], [Some(0), Some(1), Some(2)]);
    for full in 4..128 {
        assert_eq!(fill(full), Ok(()));
    }
    assert_eq!([find(), find(), find()], [Some(3), Some(128), Some(129)]);
    assert_eq!(disk.marks(), [0, 2]);
    assert_eq!(fill(1), Ok(()));
    assert_eq!([find(), find(), find()], [Some(0), Some(2), Some(3)]);
}

/// On a full disk no cluster is searched, and a freed slot is found at once, wherever it is.
#[test]
fn a_full_disk_is_told_at_once() {
    const CLUSTERS: u32 = 64 * 64 * 2 + 5;
    let disk = Disk::new(512 * CLUSTERS);
    let (allocator, current) = (disk.allocator(), Current::default());
    while allocator.allocate(&current, 512, false).is_some() {}
    assert_eq!(disk.space().used(), disk.space().capacity());
    assert!(disk.marks().is_empty());
    for number in [1, 700, CLUSTERS * 256, CLUSTERS * 512 - 1, 2, 3] {
        let slot = PhysicalSlot::new(number);
        assert!(allocator.free(slot));
        assert_eq!(disk.marks(), [number as usize / 512 / GROUP]);
        // It is a single slot between others.
        assert_eq!(allocator.allocate(&current, 2, true), None);
        assert_eq!(allocator.allocate(&current, 2, false), Some((slot, 1)));
        assert_eq!(allocator.allocate(&current, 1, false), None);
        assert!(disk.marks().is_empty());
    }
}

/// Threads allocate and free at once, and want more than the disk has: no slot is handed out twice,
/// and none is missing in the end.
#[test]
fn threads_share_a_disk() {
    const SLOTS: u32 = 512 * 4 + 77;
    const THREADS: u32 = 4;
    let disk = Disk::new(SLOTS);
    let owned: Vec<AtomicBool> = (0..SLOTS).map(|_| AtomicBool::new(false)).collect();
    let own = |slot: PhysicalSlot, value: bool| {
        let before = owned[slot.number() as usize].swap(value, Ordering::AcqRel);
        assert_ne!(before, value, "slot {} has two owners", slot.number());
    };
    let work = &|seed: u32| {
        let allocator = disk.allocator();
        let mut currents: [Current; 2] = Default::default();
        let (mut mine, mut random) = (Vec::<PhysicalSlot>::new(), seed);
        let mut next = |below: usize| {
            random ^= random << 13;
            random ^= random >> 17;
            random ^= random << 5;
            random as usize % below
        };
        for _ in 0..4000 {
            let (first, count) = match next(8) {
                0 | 1 if mine.len() > next(800) => {
                    let from = next(mine.len());
                    // Often enough for clusters to become empty.
                    for slot in mine.drain(from / 2..) {
                        own(slot, false);
                        assert!(allocator.free(slot));
                    }
                    continue;
                }
                2 => {
                    let slot = PhysicalSlot::new(next(SLOTS as usize) as u32);
                    let count = 1 + next(3);
                    if !allocator.claim_at(slot, count) {
                        continue;
                    }
                    (slot, count)
                }
                3 if next(20) == 0 => {
                    allocator.reset(&currents[0]);
                    currents.swap(0, 1);
                    continue;
                }
                _ => {
                    let most = [8, 64, 512][next(3)];
                    let (want, contiguous) = (1 + next(most), next(2) == 0);
                    let Some(run) = allocator.allocate(&currents[0], want, contiguous) else {
                        continue;
                    };
                    assert!(!contiguous || run.1 == want);
                    run
                }
            };
            for place in 0..count {
                let slot = first.checked_add(place).unwrap();
                own(slot, true);
                mine.push(slot);
            }
        }
        for slot in mine {
            own(slot, false);
            assert!(allocator.free(slot));
        }
        currents.iter().for_each(|current| allocator.reset(current));
    };
    std::thread::scope(|scope| {
        for seed in 1..=THREADS {
            scope.spawn(move || work(seed.wrapping_mul(0x9e37_79b9)));
        }
    });
    disk.check();
    assert_eq!(disk.space().used(), 0);
    let current = Current::default();
    let mut count = 0;
    while let Some(run) = disk.allocator().allocate(&current, 512, false) {
        count += run.1;
    }
    assert_eq!(count as u64, disk.space().capacity());
}

#[test]
fn segments_are_claimed_in_order_and_freed_as_a_whole() {
    let disk = Disk::new(3 * SLOTS_PER_CLUSTER as u32);
    let allocator = disk.allocator();
    let mut next = SegmentCursor::default();
    // The first one has the disk's signature.
    let claimed: Vec<_> = core::iter::from_fn(|| allocator.claim_segment(&mut next)).collect();
    let all: Vec<_> = (1..3 * 64).map(|n| Segment::new(n).unwrap()).collect();
    assert_eq!(claimed, all);
    disk.check();
    assert!(allocator.has_room());
    assert!(allocator.free_segment(claimed[70], |_| false));
    assert!(!allocator.free_segment(claimed[70], |_| false));
    assert_eq!(allocator.claim_segment(&mut next), Some(claimed[70]));
    // One that is partly in use does not count.
    for segment in &claimed {
        assert!(allocator.free_segment(*segment, |slot| slot == segment.first()));
    }
    assert_eq!(disk.space().retired(), claimed.len() as u64);
    assert_eq!(disk.space().used(), 0);
    disk.check();
    assert_eq!(allocator.claim_segment(&mut next), None);
}

#[test]
fn a_segment_is_found_between_slots_in_use() {
    let disk = Disk::new(2 * SLOTS_PER_CLUSTER as u32);
    let allocator = disk.allocator();
    let current = Current::default();
    while allocator.allocate(&current, 1, false).is_some() {}
    assert!(!allocator.has_room());
    let mut next = SegmentCursor::default();
    assert_eq!(allocator.claim_segment(&mut next), None);
    // Seven slots are too few.
    for slot in 17..24 {
        assert!(allocator.free(PhysicalSlot::new(slot)));
    }
    assert_eq!(allocator.claim_segment(&mut next), None);
    assert!(allocator.free(PhysicalSlot::new(16)));
    let segment = Segment::new(2);
    assert_eq!(allocator.claim_segment(&mut next), segment);
    assert!(allocator.free_segment(segment.unwrap(), |_| false));
    disk.check();
}

/// A cluster is discarded once, and again after a slot in it was in use.
#[test]
fn a_cluster_is_discarded_once() {
    // The first cluster has the signature, and the last one is not whole.
    let disk = Disk::new(4 * 512 + 100);
    let allocator = disk.allocator();
    let discard = |is_discarded| {
        let mut search = Search::default();
        let found: Vec<_> = core::iter::from_fn(|| allocator.claim_stale(&mut search)).collect();
        // Nobody else gets a slot in one meanwhile.
        assert!(found
            .iter()
            .all(|cluster| !allocator.claim_at(cluster.slot(Offset::FIRST), 1)));
        for cluster in &found {
            allocator.free_stale(*cluster, is_discarded);
        }
        disk.check();
        found
    };
    assert_eq!(discard(false), [1, 2, 3].map(cluster));
    assert_eq!(discard(true), [1, 2, 3].map(cluster));
    assert_eq!(discard(true), []);
    let slot = PhysicalSlot::new(2 * 512 + 7);
    assert!(allocator.claim_at(slot, 1));
    assert_eq!(discard(true), []);
    assert!(allocator.free(slot));
    assert_eq!(discard(true), [cluster(2)]);
    // One that a CPU allocates in is left to it.
    let current = Current::default();
    assert_eq!(allocator.allocate(&current, 512, false).unwrap().1, 511);
    let (slot, count) = allocator.allocate(&current, 512, false).unwrap();
    assert_eq!(count, 512);
    assert_eq!(slot.cluster(), cluster(1));
    for offset in Offset::all() {
        assert!(allocator.free(slot.cluster().slot(offset)));
    }
    assert_eq!(discard(true), []);
    allocator.reset(&current);
    assert_eq!(discard(true), [cluster(1)]);
    // One that lost a slot stays as it is.
    assert!(allocator.claim_at(slot, 1));
    assert!(allocator.retire(slot));
    assert_eq!(discard(true), []);
}
