// SPDX-License-Identifier: GPL-2.0-only

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
            slots,
            list: Mutex::default(),
            cursor: Cursor::default(),
        };
        disk.allocator().prepare();
        disk
    }

    fn space(&self) -> Space<'_> {
        Space::new(&self.maps, &self.states, self.slots).unwrap()
    }

    fn allocator(&self) -> Allocator<'_, Mutex<FreeList>> {
        Allocator::new(self.space(), &self.list, &self.cursor)
    }

    fn take(&self) -> Option<PhysicalCluster> {
        self.space().take_free(&mut self.list.lock().unwrap())
    }

    fn put(&self, cluster: PhysicalCluster) -> bool {
        self.space()
            .put_free(cluster, &mut self.list.lock().unwrap())
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

    /// What holds whenever nothing is going on.
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
    ]
}

/// What a disk should be: which slots are in use, and which are lost.
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

    /// Whether a cluster that no CPU has as its current one has all its slots free.
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
        for seed in 1..=THREADS as u32 {
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
