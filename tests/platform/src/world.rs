// SPDX-License-Identifier: GPL-2.0-only

//! A device around the engine's index and bays: a pool of objects, disks of a few slots, and what the
//! swap core and movers do. A page is a number; what is free is handed out again at once.
//!
//! A slot is stored, read and freed by one thread at a time, as the swap core does it.

pub mod chunk;
pub mod disk;
pub mod drain;
pub mod mover;
mod packed;
mod pool;
mod segments;

use self::disk::Disk;
use self::mover::{Mover, Source};
use self::pool::Pool;
use crate::rcu::{Host, Pin};
use crate::sync::yield_now;
use vswap_engine::bay::{Bay, Entered};
use vswap_engine::claims::{Run, Slots, Stay};
use vswap_engine::entry::{Content, DiskNumber, Place};
use vswap_engine::failed::{Extent, FailedExtents};
use vswap_engine::held::{Held, HeldContent, Moving, Owned, PinnedSlot};
use vswap_engine::index::ages::Which;
use vswap_engine::index::sweep::Swept;
use vswap_engine::index::Index;
use vswap_engine::pending::Pending;
use vswap_engine::platform::Platform;
use vswap_engine::slot::{PhysicalCluster, PhysicalSlot, Slot};

/// How often a reader finds another place in the bay at most: more often than pages move.
const LOOKS: usize = 8;

/// What could not be written of a call.
type Failed<'a> = FailedExtents<Host, Entered<'a, Host, Disk>>;

/// The page that was to go to that slot was not written.
fn failed_at(sent: Entered<'_, Host, Disk>, slot: PhysicalSlot) -> Failed<'_> {
    let failed = Failed::default();
    failed.note(Extent {
        number: sent.number(),
        first: slot,
        count: 1,
        is_bad: true,
        keep: sent,
    });
    failed
}

/// Where a page goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// Into its entry if that can hold it, or else to the ram tier.
    Entry,
    /// To the ram tier.
    Ram,
    /// To that disk, anywhere.
    Disk(usize),
    /// To that disk, to its own offset.
    Home(usize),
    /// To that disk; what is packed stays so.
    Packed(usize),
}

/// A slot of the first cluster.
pub const FIRST: Slot = Slot::new(0);
/// The other one.
pub const SECOND: Slot = Slot::new(1);
/// A slot of the second cluster.
pub const OTHER: Slot = Slot::new(512);

/// A device.
pub struct World {
    /// Where pages lie.
    pub index: Index<Host>,
    pending: Pending,
    pool: Pool,
    /// Disks come and go there.
    pub bays: Vec<Bay<Host, Disk>>,
}

impl World {
    /// A device whose pool has so many objects, with those disks.
    pub fn with(objects: usize, disks: impl Iterator<Item = Disk>) -> Self {
        let bay = |(number, disk): (DiskNumber, Disk)| {
            let bay = Bay::new(number).expect("memory");
            bay.fill(disk.into());
            bay
        };
        let numbers = (0..).map_while(DiskNumber::new);
        Self {
            index: Index::new().expect("memory"),
            pending: Pending::default(),
            pool: Pool::new(objects),
            bays: numbers.zip(disks).map(bay).collect(),
        }
    }

    /// The same with disks of two slots and two segments: which slot of each takes no page.
    pub fn new(objects: usize, disks: &[Option<usize>]) -> Self {
        Self::with(objects, disks.iter().map(|bad| Disk::few(*bad)))
    }

    /// As `Device::release`. A bad slot stays in use for ever.
    fn release_on(&self, cpu: &Pin, entry: Owned, bad: Option<&Failed<'_>>) {
        match entry.content() {
            Some(Content::Disk(place)) if !bad.is_some_and(|bad| bad.is_bad(place)) => {
                if let Some(disk) = self.bays[place.disk.index()].peek(cpu) {
                    disk.free(place.slot);
                }
            }
            Some(Content::Packed(packed)) => self.leave(cpu, packed),
            _ => self.pool.free(entry),
        }
    }

    fn release(&self, entry: Owned) {
        self.release_on(&Host::pin(), entry, None);
    }

    fn put(&self, slot: Slot, new: Owned, bad: Option<&Failed<'_>>) {
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
        if let Some(first) = self.index.freed(0) {
            let mut swept = Swept::NONE;
            self.index
                .sweep_from(first, &mut swept, |cpu, swept| self.give_back(cpu, swept));
        }
    }

    /// Sweeps the first cluster that waits for it. Says whether there was one.
    pub fn sweep_one(&self) -> bool {
        let first = self.index.freed(0);
        if let Some(first) = first {
            let mut swept = Swept::NONE;
            self.index
                .sweep(first, &mut swept, |cpu, swept| self.give_back(cpu, swept));
        }
        first.is_some()
    }

    fn give_back(&self, cpu: &Pin, swept: &mut Swept) {
        if let Some((home, bits)) = swept.whole.take().filter(|(_, bits)| !bits.is_empty()) {
            let disk = self.bays[home.disk.index()].peek(cpu);
            disk.expect("its pages keep it")
                .free_bits(home.cluster, &bits);
        }
        for entry in swept {
            self.release_on(cpu, entry, None);
        }
    }

    /// A slot of a disk where a page may go, and the run that it is from.
    fn claim(&self, slot: Slot, to: To) -> Option<(Run<'_, Host, Disk>, Place)> {
        let mut run = match to {
            To::Entry | To::Ram => return None,
            To::Home(disk) => {
                // Each cluster has one there.
                let home = PhysicalCluster::new(slot.cluster().index() % 2)?;
                Run::of(&self.bays[disk], home.slot(slot.offset()))?
            }
            To::Disk(disk) | To::Packed(disk) => {
                let entered = self.bays[disk].enter()?;
                let claimed = entered.disk().claim_any()?;
                Run::new(entered, claimed, 1)
            }
        };
        let (place, _) = run.take().expect("one was claimed");
        Some((run, place))
    }

    /// Stores a page: in the ram tier when the disk takes none, or fails to.
    pub fn store(&self, slot: Slot, page: u64, to: To) {
        if let Some(failed) = self.try_store(slot, page, to) {
            if self.place_of(slot).is_some_and(|place| failed.has(place)) {
                self.put(slot, self.pool.store(page), Some(&failed));
            }
        }
    }

    /// This world, with that page stored.
    pub fn holding(self, slot: Slot, page: u64, to: To) -> Self {
        self.store(slot, page, to);
        self
    }

    /// Stores a page without a repair: what failed stays in the bay as long as what this gives.
    fn try_store(&self, slot: Slot, page: u64, to: To) -> Option<Failed<'_>> {
        let Some((run, place)) = self.claim(slot, to) else {
            let same = (to == To::Entry).then(|| Owned::same(page)).flatten();
            self.put(slot, same.unwrap_or_else(|| self.pool.store(page)), None);
            return None;
        };
        self.put(slot, Owned::disk(place), None);
        // The bio stays, the run goes.
        let sent = run.entered.again();
        drop(run);
        let is_written = sent.disk().write(place.slot, page);
        (!is_written).then(|| failed_at(sent, place.slot))
    }

    /// A page of so many that they can't be told apart fails to get to a disk. Nothing of it stays in
    /// the bay.
    pub fn give_up(&self, slot: Slot, page: u64, to: To) {
        let failed = self.try_store(slot, page, to).is_some();
        assert!(failed || self.place_of(slot).is_none(), "it was written");
        self.free(slot);
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

    /// What a slot holds, if it holds anything.
    pub fn find(&self, slot: Slot) -> Option<u64> {
        let pinned = PinnedSlot::new(slot);
        for _ in 0..LOOKS {
            let reader = Host::reader();
            let (held, _) = self.index.load(&Host::pin(), &reader, &pinned);
            let page = match held.content().expect("an entry") {
                HeldContent::Empty => return None,
                HeldContent::Same(word) => Some(word),
                HeldContent::Ram(object) => Some(self.pool.read(object.object())),
                HeldContent::Disk(place) => {
                    drop(reader);
                    self.read_whole(slot, place)
                }
                HeldContent::Packed(packed) => {
                    drop(reader);
                    self.read_packed(slot, packed)
                }
                HeldContent::Lost => panic!("no disk is given up here"),
            };
            if page.is_some() {
                return page;
            }
            yield_now();
        }
        panic!("a page lies on a disk that is gone");
    }

    /// The page of a slot that lies there, or on the same disk by now. Nothing: it is elsewhere.
    fn read_whole(&self, slot: Slot, place: Place) -> Option<u64> {
        let bay = &self.bays[place.disk.index()];
        let (entered, place) = bay.enter_for(|| self.place_of(slot))?;
        // The bio's own.
        let sent = entered.again();
        drop(entered);
        Some(sent.disk().read(place.slot))
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
        let page = self.pool.read(moving.object().expect("an object").object());
        Some((moving, page))
    }

    /// Where a page lies that is moved, as an entry: in the ram tier if the disk takes none.
    pub fn placed(&self, slot: Slot, page: u64, to: To, stay: &mut Stay<Host>) -> Owned {
        let Some((run, place)) = self.claim(slot, to) else {
            return self.pool.store(page);
        };
        stay.at(&run.entered);
        assert!(run.entered.disk().write(place.slot, page));
        Owned::disk(place)
    }

    /// A page stays where it is.
    pub fn abandon(&self, source: Source) {
        match source {
            Source::Ram(moving) => {
                let left = self.index.abandon_move(&Host::pin(), moving);
                self.release(left);
            }
            Source::Whole(..) => {}
            Source::Packed(_, from) => self.release(Owned::packed(from)),
        }
    }

    /// A mover.
    pub fn mover(&self) -> Mover<'_> {
        Mover {
            world: self,
            retired: Vec::new(),
            tables: Vec::new(),
        }
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
                let content = self.index.peek(&Host::pin(), slot);
                assert!(!matches!(content, Some(Content::Ram(_))), "a mark is left");
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
