// SPDX-License-Identifier: GPL-2.0-only

//! A device around the engine's index and bays: a pool of objects, disks of a few slots, and what the
//! swap core and movers do. A page is a number; what is free is handed out again at once.
//!
//! A slot is stored, read and freed by one thread at a time, as the swap core does it.

pub mod chunk;
pub mod disk;
pub mod drain;
pub mod mover;
mod pool;
mod segments;

use self::disk::Disk;
use self::mover::{Mover, Source};
use self::pool::Pool;
use self::segments::Inside;
use crate::rcu::{Host, Pin};
use crate::sync::yield_now;
use vswap_engine::bay::{Bay, Entered, Section};
use vswap_engine::claims::{Run, Slots, Stay};
use vswap_engine::entry::{Content, DiskNumber, Packed, Place};
use vswap_engine::failed::{Extent, FailedExtents};
use vswap_engine::held::{Held, HeldContent, Moving, Owned, PinnedSlot};
use vswap_engine::index::ages::Which;
use vswap_engine::index::sweep::Swept;
use vswap_engine::index::Index;
use vswap_engine::pending::Pending;
use vswap_engine::platform::Platform;
use vswap_engine::segment::Segment;
use vswap_engine::slot::{ClusterNumber, PhysicalCluster, PhysicalSlot, Slot};

/// How often a reader finds another place in the bay at most: more often than pages move.
const LOOKS: usize = 8;

/// What could not be written of a call.
type Failed = FailedExtents<Host, Section<Host>>;

/// The page that was to go to that slot was not written.
fn failed_at(sent: Entered<'_, Host, Disk>, slot: PhysicalSlot) -> Failed {
    let failed = Failed::new();
    failed.note(Extent {
        number: sent.number(),
        first: slot,
        count: 1,
        is_bad: true,
        keep: sent.into_section(),
    });
    failed
}

/// Where a mover moves pages to.
#[derive(Clone, Copy, Debug)]
pub enum To {
    /// To the ram tier.
    Ram,
    /// To that disk.
    Disk(usize),
    /// To that disk, to their own offsets.
    Home(usize),
    /// To that disk; what is packed stays so.
    Packed(usize),
}

/// Where a page goes on a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// To its own offset.
    Home,
    /// Anywhere.
    Any,
}

/// A slot of the first cluster.
pub const FIRST: Slot = Slot::new(0);
/// The other one.
pub const SECOND: Slot = Slot::new(1);
/// A slot of the second cluster.
pub const OTHER: Slot = Slot::new(512);

/// The physical cluster in which a cluster's pages have their own offsets.
fn home_of(number: ClusterNumber) -> PhysicalCluster {
    PhysicalCluster::new(number.index() % 2).expect("a low number")
}

fn number(disk: usize) -> DiskNumber {
    DiskNumber::new(disk).expect("a low number")
}

/// A device.
pub struct World {
    /// Where pages lie.
    pub index: Index<Host>,
    pending: Pending,
    pool: Pool,
    bays: Vec<Bay<Host, Disk>>,
}

impl World {
    /// A device whose pool has so many objects, with those disks.
    pub fn with(objects: usize, disks: impl Iterator<Item = Disk>) -> Self {
        let bay = |(index, disk): (usize, Disk)| {
            let bay = Bay::new(number(index)).expect("memory");
            bay.fill(disk.into());
            bay
        };
        Self {
            index: Index::new().expect("memory"),
            pending: Pending::default(),
            pool: Pool::new(objects),
            bays: disks.enumerate().map(bay).collect(),
        }
    }

    /// The same with disks of two slots and two segments: which slot of each takes no page.
    pub fn new(objects: usize, disks: &[Option<usize>]) -> Self {
        Self::with(objects, disks.iter().map(|bad| Disk::few(*bad)))
    }

    /// As `Device::release`. A bad slot stays in use for ever.
    fn release_on(&self, cpu: &Pin, entry: Owned, bad: Option<&Failed>) {
        match entry.content() {
            Some(Content::Disk(place)) if !bad.is_some_and(|bad| bad.is_bad(place)) => {
                if let Some(disk) = self.bays[place.disk.index()].peek(cpu) {
                    disk.free(place.slot);
                }
            }
            Some(Content::Packed(packed)) => {
                if let Some(disk) = self.bays[packed.place.disk.index()].peek(cpu) {
                    disk.leave_segment(packed.segment());
                }
            }
            _ => self.pool.free(entry),
        }
    }

    fn release(&self, entry: Owned, bad: Option<&Failed>) {
        self.release_on(&Host::pin(), entry, bad);
    }

    /// A mover is counted no more for an object that it has moved, or not.
    fn let_go(&self, from: Packed) {
        self.release(Owned::packed(from), None);
    }

    fn put(&self, slot: Slot, new: Owned, bad: Option<&Failed>) {
        let cpu = Host::pin();
        let replaced = self.index.put(&cpu, slot, new).expect("memory");
        self.release_on(&cpu, replaced.old, bad);
    }

    /// Empties a slot at once.
    pub fn free(&self, slot: Slot) {
        let cpu = Host::pin();
        let old = self.index.empty(&cpu, slot).old;
        self.release_on(&cpu, old, None);
    }

    /// The swap core frees a slot.
    pub fn mark_freed(&self, slot: Slot) {
        if self.index.mark_freed(&Host::pin(), slot).is_first {
            // The thread is woken, or looks again by itself.
            let _ = self.pending.add();
        }
    }

    /// The thread that sweeps has been woken, and sweeps until there is nothing pending.
    pub fn sweep_if_any(&self) {
        while self.pending.any() {
            self.sweep();
        }
    }

    /// Gives back what freed slots held.
    pub fn sweep(&self) {
        self.pending.begin();
        let Some(first) = self.index.freed(0) else {
            return;
        };
        let mut swept = Swept::NONE;
        self.index
            .sweep_from(first, &mut swept, |cpu, swept| self.give_back(cpu, swept));
    }

    /// Sweeps the first cluster that waits for it. Says whether there was one.
    pub fn sweep_one(&self) -> bool {
        let Some(number) = self.index.freed(0) else {
            return false;
        };
        let mut swept = Swept::NONE;
        self.index
            .sweep(number, &mut swept, |cpu, swept| self.give_back(cpu, swept));
        true
    }

    fn give_back(&self, cpu: &Pin, swept: &mut Swept) {
        let whole = swept.whole.take();
        if let Some((home, bits)) = whole.filter(|(_, bits)| !bits.is_empty()) {
            let disk = self.bays[home.disk.index()].peek(cpu);
            disk.expect("its pages keep it")
                .free_bits(home.cluster, &bits);
        }
        for entry in swept {
            self.release_on(cpu, entry, None);
        }
    }

    /// Stores a page that its entry holds.
    pub fn store_same(&self, slot: Slot, page: u64) {
        let entry = Owned::same(page).unwrap_or_else(|| self.pool.store(page));
        self.put(slot, entry, None);
    }

    /// Stores a page in the ram tier.
    pub fn store_in_ram(&self, slot: Slot, page: u64) {
        self.put(slot, self.pool.store(page), None);
    }

    fn claim(&self, slot: Slot, disk: usize, at: At) -> Option<Run<'_, Host, Disk>> {
        let bay = &self.bays[disk];
        match at {
            At::Home => Run::of(bay, home_of(slot.cluster()).slot(slot.offset())),
            At::Any => {
                let entered = bay.enter()?;
                let claimed = entered.disk().claim_any()?;
                Some(Run::new(entered, claimed, 1))
            }
        }
    }

    /// Stores a page on a disk; in the ram tier when the disk takes none, or fails to.
    pub fn store_on_disk(&self, slot: Slot, page: u64, disk: usize, at: At) {
        let mut run = self.claim(slot, disk, at);
        let Some((place, to)) = run.as_mut().and_then(Run::take) else {
            return self.store_in_ram(slot, page);
        };
        let run = run.expect("it gave a slot");
        self.put(slot, Owned::disk(place), None);
        // The bio stays, the run goes.
        let sent = run.entered.again();
        drop(run);
        if sent.disk().write(to, page) {
            return;
        }
        // What failed stays in the bay until it is repaired.
        let failed = failed_at(sent, to);
        if self.place_of(slot).is_some_and(|place| failed.has(place)) {
            self.put(slot, self.pool.store(page), Some(&failed));
        }
    }

    /// A page of so many that they can't be told apart fails to get to the first disk. Nothing of
    /// it stays in the bay.
    pub fn give_up(&self, slot: Slot, page: u64) {
        let mut run = self.claim(slot, 0, At::Any);
        if let Some((place, to)) = run.as_mut().and_then(Run::take) {
            self.put(slot, Owned::disk(place), None);
            let sent = run.expect("it gave a slot").entered.again();
            assert!(!sent.disk().write(to, page));
            drop(sent);
            self.free(slot);
        }
    }

    /// What a slot's entry says.
    fn look<R>(&self, slot: Slot, then: impl FnOnce(Held<'_>) -> R) -> R {
        let (reader, pinned) = (Host::reader(), PinnedSlot::new(slot));
        let (held, _) = self.index.load(&Host::pin(), &reader, &pinned);
        then(held)
    }

    fn place_of(&self, slot: Slot) -> Option<Place> {
        self.look(slot, |held| match held.content() {
            Some(HeldContent::Disk(place)) => Some(place),
            _ => None,
        })
    }

    fn packed_of(&self, slot: Slot) -> Option<Packed> {
        self.look(slot, |held| match held.content() {
            Some(HeldContent::Packed(packed)) => Some(packed),
            _ => None,
        })
    }

    /// What a slot holds, if it holds anything.
    pub fn find(&self, slot: Slot) -> Option<u64> {
        let pinned = PinnedSlot::new(slot);
        for _ in 0..LOOKS {
            let reader = Host::reader();
            let (held, _) = self.index.load(&Host::pin(), &reader, &pinned);
            match held.content().expect("an entry") {
                HeldContent::Same(word) => return Some(word),
                HeldContent::Ram(object) => return Some(self.pool.read(object.object())),
                HeldContent::Disk(place) => {
                    drop(reader);
                    let bay = &self.bays[place.disk.index()];
                    let Some((entered, place)) = bay.enter_for(|| self.place_of(slot)) else {
                        yield_now();
                        continue;
                    };
                    // The bio's own.
                    let sent = entered.again();
                    drop(entered);
                    return Some(sent.disk().read(place.slot));
                }
                HeldContent::Empty => return None,
                HeldContent::Packed(packed) => {
                    drop(reader);
                    let Some(page) = self.read_packed(slot, packed) else {
                        yield_now();
                        continue;
                    };
                    return Some(page);
                }
                HeldContent::Lost => panic!("no disk is given up here"),
            }
        }
        panic!("a page lies on a disk that is gone");
    }

    /// As `Device::read_packed`. Nothing: it is elsewhere.
    fn read_packed(&self, slot: Slot, packed: Packed) -> Option<u64> {
        let entered = self.bays[packed.place.disk.index()].enter()?;
        let inside = Inside::new(entered, packed.segment())?;
        // From here on the object stays; it may have been another one before.
        (self.packed_of(slot) == Some(packed)).then(|| inside.read(packed))
    }

    /// The page of a slot in use.
    pub fn load(&self, slot: Slot) -> u64 {
        self.find(slot).expect("a page is lost to its reader")
    }

    /// Begins to move a page of the ram tier, which is read.
    pub fn start_move(&self, slot: Slot) -> Option<(Moving, u64)> {
        let mut started = None;
        let which = Which::StoredBy(u32::MAX);
        self.index
            .start_moves(&Host::pin(), slot.cluster(), which, &[slot], |moving| {
                started = Some(moving);
            });
        let moving = started?;
        let page = self.pool.read_moving(&moving);
        Some((moving, page))
    }

    /// Where a page lies that is moved, as an entry: in the ram tier if the disk takes none.
    pub fn placed(&self, slot: Slot, page: u64, to: To, stay: &mut Stay<Host>) -> Owned {
        let mut run = match to {
            To::Disk(disk) | To::Packed(disk) => self.claim(slot, disk, At::Any),
            To::Home(disk) => self.claim(slot, disk, At::Home),
            To::Ram => None,
        };
        let target = run.as_mut().and_then(|run| {
            stay.at(&run.entered);
            let (place, slot) = run.take()?;
            assert!(run.entered.disk().write(slot, page));
            Some(place)
        });
        target.map_or_else(|| self.pool.store(page), Owned::disk)
    }

    /// A page stays where it is.
    pub fn abandon(&self, source: Source) {
        match source {
            Source::Ram(moving) => {
                let left = self.index.abandon_move(&Host::pin(), moving);
                self.release(left, None);
            }
            Source::Whole(..) => {}
            Source::Packed(_, from) => self.let_go(from),
        }
    }

    /// Whether there is a disk in a bay.
    pub fn has(&self, disk: usize) -> bool {
        !self.bays[disk].is_empty()
    }

    /// A disk comes into an empty bay.
    pub fn add(&self, disk: usize, new: Disk) {
        self.bays[disk].fill(new.into());
    }

    /// Segments of a disk that are in use.
    pub fn segments(&self, disk: usize) -> Vec<Segment> {
        let entered = self.bays[disk].enter();
        entered.map_or_else(Vec::new, |entered| {
            entered.disk().segments.in_use().collect()
        })
    }

    /// A mover.
    pub fn mover(&self) -> Mover<'_> {
        Mover::new(self)
    }

    /// Ends with these pages: no one else does anything any more. Frees them, and looks for
    /// what was lost.
    pub fn assert_holds(&self, pages: [Option<u64>; 2]) {
        self.sweep_if_any();
        for (slot, page) in [FIRST, SECOND].into_iter().zip(pages) {
            assert_eq!(self.find(slot), page);
            if let Some((moving, _)) = self.start_move(slot) {
                self.abandon(Source::Ram(moving));
            } else {
                let is_in_ram =
                    |held: Held<'_>| matches!(held.content(), Some(HeldContent::Ram(_)));
                let in_ram = page.is_some() && self.look(slot, is_in_ram);
                assert!(!in_ram, "a mark is left");
            }
            self.free(slot);
        }
        self.assert_empty();
    }

    /// Nothing is stored any more, and nothing is left over.
    pub fn assert_empty(&self) {
        self.pool.assert_empty();
        for entered in self.bays.iter().filter_map(Bay::enter) {
            entered.disk().assert_empty();
        }
        let cpu = Host::pin();
        assert_eq!(self.index.overview(&cpu, 0), None, "a cluster is left");
        assert_eq!(self.index.coldest(), None, "a cluster that went is listed");
    }
}
