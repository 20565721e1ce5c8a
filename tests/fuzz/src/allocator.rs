// SPDX-License-Identifier: GPL-2.0-only

//! A disk's allocator, used by several CPUs in turn, beside a list of the slots in use.

use arbitrary::Arbitrary;
use vswap_bench_engine::{Disk, Lock};
use vswap_engine::allocator::{Allocator, Current};
use vswap_engine::map::{SlotMap, PARTS, PART_BITS};
use vswap_engine::slot::{Offset, PhysicalCluster, PhysicalSlot, SLOTS_PER_CLUSTER};

const CPUS: usize = 3;

/// The most slots that a disk has here: a bit more than four clusters.
const MOST: u16 = 4 * 512 + 100;

#[derive(Arbitrary, Debug)]
enum Step {
    Allocate(u8, u16, bool),
    ClaimAt(u16, u16),
    Free(u16),
    /// From a slot on, that many.
    FreeMany(u16, u16),
    /// A part of a cluster.
    FreeBits(u8, u8, u32),
    Retire(u16),
    Reset(u8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    Free,
    Used,
    Lost,
}

/// Runs an input: the disk's size, then steps.
pub fn run(data: &[u8]) {
    let Some((slots, steps)) = crate::read::<u16, Step>(data) else {
        return;
    };
    let slots = slots % MOST;
    let disk = Disk::new(slots.into());
    let mut model = Model::new(slots);
    let cpus: [Current; CPUS] = Default::default();
    for step in steps.iter().take(400) {
        model.step(disk.allocator(), &cpus, step);
        model.compare(&disk.allocator());
    }
    model.compare_bits(&disk.allocator());
    model.end(disk.allocator(), &cpus);
}

/// The expected use of each slot of a disk.
pub(crate) struct Model(pub(crate) Vec<Use>);

/// A slot and how many.
type Run = (PhysicalSlot, usize);

impl Model {
    pub(crate) fn new(slots: u16) -> Self {
        let mut uses = vec![Use::Free; slots.into()];
        if let Some(signature) = uses.first_mut() {
            *signature = Use::Lost;
        }
        Self(uses)
    }

    pub(crate) fn get(&self, slot: PhysicalSlot) -> Option<Use> {
        self.0.get(slot.number() as usize).copied()
    }

    pub(crate) fn set(&mut self, slot: PhysicalSlot, to: Use) {
        self.0[slot.number() as usize] = to;
    }

    pub(crate) fn count(&self, of: Use) -> usize {
        self.0.iter().filter(|is| **is == of).count()
    }

    /// The slots of a cluster.
    pub(crate) fn cluster(&self, cluster: PhysicalCluster) -> &[Use] {
        let start = cluster.index() as usize * SLOTS_PER_CLUSTER;
        let end = (start + SLOTS_PER_CLUSTER).min(self.0.len());
        self.0.get(start..end).unwrap_or(&[])
    }

    pub(crate) fn claim(&mut self, (first, count): Run) {
        for place in 0..count {
            let slot = first.checked_add(place).expect("a slot of a small disk");
            assert_eq!(slot.cluster(), first.cluster());
            assert_eq!(self.get(slot), Some(Use::Free), "{slot:?}");
            self.set(slot, Use::Used);
        }
    }

    /// A slot in use, by a number.
    fn pick(&self, which: u16) -> Option<PhysicalSlot> {
        let all = || (0..).zip(&self.0).filter(|(_, is)| **is == Use::Used);
        let which = usize::from(which).checked_rem(all().count())?;
        let (number, _) = all().nth(which)?;
        Some(PhysicalSlot::new(number))
    }

    fn clusters(&self) -> impl Iterator<Item = PhysicalCluster> {
        (0..)
            .take(self.0.len().div_ceil(SLOTS_PER_CLUSTER))
            .filter_map(PhysicalCluster::new)
    }

    fn step(&mut self, allocator: Allocator<'_, Lock>, cpus: &[Current], step: &Step) {
        match *step {
            Step::Allocate(cpu, want, contiguous) => {
                let cpu = &cpus[usize::from(cpu) % CPUS];
                self.allocate(allocator, cpus, cpu, (usize::from(want % 520), contiguous));
            }
            Step::ClaimAt(slot, count) => {
                let (slot, count) = (PhysicalSlot::new(slot.into()), usize::from(count % 520));
                let from = slot.offset().index();
                let fits = self
                    .cluster(slot.cluster())
                    .get(from..from + count)
                    .is_some_and(|slots| slots.iter().all(|is| *is == Use::Free));
                assert_eq!(allocator.claim_at(slot, count), fits && count > 0);
                if fits {
                    self.claim((slot, count));
                }
            }
            Step::Free(slot) => self.free(allocator, PhysicalSlot::new(slot.into())),
            Step::FreeMany(from, count) => {
                let slots = (u32::from(from)..).map(PhysicalSlot::new);
                for slot in slots.take(usize::from(count) % 600) {
                    self.free(allocator, slot);
                }
            }
            Step::FreeBits(cluster, part, bits) => self.free_bits(allocator, cluster, part, bits),
            Step::Retire(which) => {
                if let Some(slot) = self.pick(which) {
                    assert!(allocator.retire(slot));
                    self.set(slot, Use::Lost);
                }
                let free = PhysicalSlot::new(which.into());
                if self.get(free).is_none_or(|is| is == Use::Free) {
                    assert!(!allocator.retire(free));
                }
            }
            Step::Reset(cpu) => allocator.reset(&cpus[usize::from(cpu) % CPUS]),
        }
    }

    fn allocate(
        &mut self,
        allocator: Allocator<'_, Lock>,
        cpus: &[Current],
        cpu: &Current,
        (want, contiguous): (usize, bool),
    ) {
        let run = allocator.allocate(cpu, want, contiguous);
        if let Some(run) = run {
            assert!((1..=want).contains(&run.1) && (!contiguous || run.1 == want));
            return self.claim(run);
        }
        if !(1..=SLOTS_PER_CLUSTER).contains(&want) {
            return;
        }
        if contiguous {
            // An empty cluster that is no CPU's current one would have been found.
            let empty = self.clusters().find(|cluster| {
                let slots = self.cluster(*cluster);
                slots.len() == SLOTS_PER_CLUSTER
                    && slots.iter().all(|is| *is == Use::Free)
                    && cpus.iter().all(|cpu| cpu.cluster() != Some(*cluster))
            });
            assert_eq!(empty, None);
        } else {
            assert_eq!(self.count(Use::Free), 0);
        }
    }

    fn free(&mut self, allocator: Allocator<'_, Lock>, slot: PhysicalSlot) {
        // A lost one must not be freed.
        match self.get(slot) {
            Some(Use::Used) => {
                assert!(allocator.free(slot), "{slot:?}");
                self.set(slot, Use::Free);
            }
            Some(Use::Lost) if slot.number() != 0 => {}
            _ => assert!(!allocator.free(slot), "{slot:?}"),
        }
    }

    fn free_bits(&mut self, allocator: Allocator<'_, Lock>, cluster: u8, part: u8, bits: u32) {
        let count = self.clusters().count();
        let Some(cluster) = usize::from(cluster).checked_rem(count) else {
            return;
        };
        let Some(cluster) = self.clusters().nth(cluster) else {
            return;
        };
        let part = usize::from(part) % PARTS;
        let map = SlotMap::default();
        let mut was_used = Vec::new();
        for bit in (0..PART_BITS).filter(|bit| (bits >> bit) & 1 == 1) {
            let offset = Offset::new(part * PART_BITS + bit).expect("in the part");
            let slot = cluster.slot(offset);
            match self.get(slot) {
                Some(Use::Lost) | None => {}
                Some(is) => {
                    map.set(offset);
                    was_used.push(is == Use::Used);
                    self.set(slot, Use::Free);
                }
            }
        }
        let freed = allocator.free_bits(cluster, &map.take(part));
        assert_eq!(freed, was_used.into_iter().all(|was_used| was_used));
    }

    /// Compares the counts.
    fn compare(&self, allocator: &Allocator<'_, Lock>) {
        let space = allocator.space();
        let lost = self.count(Use::Lost);
        assert_eq!(space.used(), self.count(Use::Used) as u64);
        assert_eq!(space.capacity(), (self.0.len() - lost) as u64);
        assert_eq!(space.retired(), lost.saturating_sub(1) as u64);
    }

    /// Compares each slot, and those after the disk's end.
    pub(crate) fn compare_bits(&self, allocator: &Allocator<'_, Lock>) {
        for number in 0..=self.0.len() + SLOTS_PER_CLUSTER {
            let slot = PhysicalSlot::new(u32::try_from(number).expect("a small disk"));
            let is_taken = self.get(slot) != Some(Use::Free);
            assert_eq!(allocator.space().is_taken(slot), is_taken, "{slot:?}");
        }
    }

    /// In the end every free slot can be allocated, also in clusters that CPUs hold; and when all are
    /// free again, so is every cluster with a usable slot.
    fn end(mut self, allocator: Allocator<'_, Lock>, cpus: &[Current]) {
        while let Some(run) = allocator.allocate(&cpus[0], SLOTS_PER_CLUSTER, false) {
            self.claim(run);
        }
        assert_eq!(self.count(Use::Free), 0);
        for number in 0..self.0.len() {
            self.free(
                allocator,
                PhysicalSlot::new(u32::try_from(number).expect("a small disk")),
            );
        }
        cpus.iter().for_each(|cpu| allocator.reset(cpu));
        self.compare(&allocator);
        // Each cluster is taken once, by asking for one slot more than it has.
        let (cpu, mut clusters) = (Current::default(), Vec::new());
        while let Some(run) = allocator.allocate(&cpu, 1, false) {
            if clusters.last() != Some(&run.0.cluster()) {
                clusters.push(run.0.cluster());
            }
            self.claim(run);
        }
        let taken = clusters.len();
        clusters.sort_unstable();
        clusters.dedup();
        assert_eq!(clusters.len(), taken, "a cluster was taken twice");
        self.compare_bits(&allocator);
    }
}
