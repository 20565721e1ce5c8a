// SPDX-License-Identifier: GPL-2.0-only

//! A device around the engine's index, beside a list of the pages that its slots hold: stores,
//! loads, frees and sweeps, and between them the steps of movers, of who packs and cleans, and of a drain,
//! which begin with what may be another page's when they end.
//!
//! The device is that of the scenarios (`tests/platform`), with disks of the engine's allocator. A page is
//! a number; what is free is handed out again at once.

mod packing;
mod space;

use arbitrary::Arbitrary;
use packing::Packing;
use space::new_disk;
use vswap_engine::claims::Stay;
use vswap_engine::entry::Content;
use vswap_engine::held::Moving;
use vswap_engine::platform::Platform;
use vswap_engine::slot::{ClusterNumber, Offset, Slot, SLOTS_PER_CLUSTER};
use vswap_platform::world::drain::{Copied, Drain};
use vswap_platform::world::mover::{Mover, Source};
use vswap_platform::world::{To as Where, World};
use vswap_platform::Host;

const CLUSTERS: u32 = 3;
const SLOTS: u32 = CLUSTERS * SLOTS_PER_CLUSTER as u32;

/// As many as there are slots, and are being moved, or were.
const OBJECTS: usize = 4096;

/// The offsets that steps speak of: few, so that they meet, and those at the edges of a map's
/// words and parts.
const OFFSETS: [usize; 16] = [
    0, 1, 2, 3, 31, 32, 33, 63, 64, 65, 127, 128, 255, 256, 510, 511,
];

/// A virtual slot: a cluster and one of [`OFFSETS`].
#[derive(Arbitrary, Clone, Copy, Debug)]
struct At(u8);

#[derive(Arbitrary, Clone, Copy, Debug)]
enum To {
    Ram,
    /// Wherever there is room.
    Disk(bool),
    /// At the slot's own offset.
    Home(bool),
}

/// Where a drain moves pages to: to the other disk, or there as they are, or into memory.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Drained {
    Ram,
    Disk,
    Packed,
}

#[derive(Arbitrary, Debug)]
enum Step {
    Same(At, u64),
    Store(At, To),
    /// So many slots one after the other, at their own offsets.
    StoreRun(At, u8, bool),
    Load(At),
    Free(At),
    FreeRun(At, u8),
    /// A store that fails.
    Undo(At),
    Sweep,
    /// The first cluster that waits for it.
    SweepOne,
    StartMove(At),
    FinishMove(u8, To),
    AbandonMove(u8),
    /// So many slots are stored in memory, and are to be packed.
    Pack(At, u8, bool),
    /// What is to be packed is written.
    Write,
    /// What lies in a segment is to be packed elsewhere on its disk.
    Clean(bool, u8),
    /// That is written.
    EndClean,
    Collapse(u8),
    /// What movers replaced is given back.
    Flush,
    Drain(bool, Drained),
    /// The drain looks at a cluster and copies, or puts what it copied.
    DrainOn,
    CancelDrain,
    Add(bool, u16),
}

/// Runs an input: the sizes of the disks, then steps.
pub fn run(data: &[u8]) {
    let Some((sizes, steps)) = crate::read::<[u16; 2], Step>(data) else {
        return;
    };
    let world = World::with(OBJECTS, sizes.into_iter().map(new_disk));
    let mut device = Device {
        world: &world,
        pages: vec![None; SLOTS as usize],
        mover: world.mover(),
        moving: Vec::new(),
        packing: Packing::default(),
        drain: None,
        last: 0,
    };
    steps.iter().take(300).for_each(|step| device.step(step));
    device.end();
}

struct Device<'a> {
    world: &'a World,
    /// What each slot is to hold.
    pages: Vec<Option<u64>>,
    mover: Mover<'a>,
    moving: Vec<(Moving, u64)>,
    packing: Packing<'a>,
    /// A drain under way, with the cluster that is next, and what was copied of that.
    drain: Option<(Drain<'a>, u32, Option<Copied<'a>>)>,
    /// The last page that was stored.
    last: u64,
}

impl At {
    fn slot(self) -> Slot {
        let offset = OFFSETS[usize::from(self.0 & 15)];
        cluster(u32::from(self.0 >> 4)).slot(Offset::new(offset).expect("below 512"))
    }

    /// So many slots from here on that lie in the cluster.
    fn run(self, count: u8) -> impl Iterator<Item = Slot> {
        let slot = self.slot();
        let slots = (0..usize::from(count)).filter_map(move |place| slot.checked_add(place));
        slots.take_while(move |next| next.cluster() == slot.cluster())
    }
}

impl To {
    fn place(self) -> Where {
        match self {
            Self::Ram => Where::Ram,
            Self::Disk(disk) => Where::Disk(disk.into()),
            Self::Home(disk) => Where::Home(disk.into()),
        }
    }
}

fn cluster(index: u32) -> ClusterNumber {
    ClusterNumber::new(index % CLUSTERS).expect("a low number")
}

impl Device<'_> {
    fn step(&mut self, step: &Step) {
        match *step {
            Step::Same(at, word) => self.store_page(at.slot(), word, Where::Entry),
            Step::Store(at, to) => self.store(at.slot(), to.place()),
            Step::StoreRun(at, count, disk) => at
                .run(count)
                .for_each(|slot| self.store(slot, Where::Home(disk.into()))),
            Step::Load(at) => self.check_slot(at.slot()),
            Step::Free(at) => self.free(at.slot()),
            Step::FreeRun(at, count) => at.run(count).for_each(|slot| self.free(slot)),
            Step::Undo(at) => {
                self.pages[at.slot().number() as usize] = None;
                self.world.free(at.slot());
            }
            Step::Sweep => while self.world.sweep_one() {},
            Step::SweepOne => _ = self.world.sweep_one(),
            Step::StartMove(at) => self.moving.extend(self.world.start_move(at.slot())),
            Step::FinishMove(which, to) => {
                if let Some((moving, page)) = self.pick(which) {
                    let mut stay = Stay::default();
                    let place = to.place();
                    let new = self.world.placed(moving.slot(), page, place, &mut stay);
                    self.mover.finish_move(Source::Ram(moving), new);
                }
            }
            Step::AbandonMove(which) => {
                if let Some((moving, _)) = self.pick(which) {
                    self.world.abandon(Source::Ram(moving));
                }
            }
            Step::Pack(at, count, disk) => self.pack(at, count, disk.into()),
            Step::Write => self.write(),
            Step::Clean(disk, which) => self.clean(disk.into(), which),
            Step::EndClean => self.end_clean(),
            Step::Collapse(index) => self.mover.collapse(cluster(index.into())),
            Step::Flush => self.mover.flush(),
            Step::Drain(disk, to) => self.start_drain(disk.into(), to),
            Step::DrainOn => self.drain_on(),
            Step::CancelDrain => self.cancel_drain(),
            Step::Add(disk, size) => {
                let bay = &self.world.bays[usize::from(disk)];
                if bay.is_empty() {
                    bay.fill(new_disk(size).into());
                }
            }
        }
    }

    fn store(&mut self, slot: Slot, to: Where) {
        // No other page is like it.
        self.last += 1;
        self.store_page(slot, self.last, to);
    }

    fn store_page(&mut self, slot: Slot, page: u64, to: Where) {
        self.world.store(slot, page, to);
        self.pages[slot.number() as usize] = Some(page);
    }

    fn free(&mut self, slot: Slot) {
        self.pages[slot.number() as usize] = None;
        self.world.mark_freed(slot);
    }

    /// A slot in use holds its page; others are empty, or wait for a sweep.
    fn check_slot(&self, slot: Slot) {
        let found = self.world.find(slot);
        let number = slot.cluster();
        match self.pages[slot.number() as usize] {
            Some(page) => assert_eq!(found, Some(page), "{slot:?}"),
            None if found.is_none() => {}
            None => assert_eq!(self.world.index.freed(number.index()), Some(number)),
        }
    }

    fn pick(&mut self, which: u8) -> Option<(Moving, u64)> {
        let which = usize::from(which).checked_rem(self.moving.len())?;
        Some(self.moving.swap_remove(which))
    }

    fn start_drain(&mut self, disk: usize, to: Drained) {
        if self.drain.is_some() || self.world.bays[disk].is_empty() {
            return;
        }
        // It waits for what is under way.
        self.write();
        self.end_clean();
        let to = match to {
            Drained::Ram => Where::Ram,
            Drained::Disk => Where::Disk(1 - disk),
            Drained::Packed => Where::Packed(1 - disk),
        };
        self.drain = Some((Drain::begin(self.world, disk, to), 0, None));
    }

    fn drain_on(&mut self) {
        let Some((drain, next, copied)) = self.drain.take() else {
            return;
        };
        if let Some(copied) = copied {
            drain.put(&mut self.mover, cluster(next), copied);
            self.drain = Some((drain, next + 1, None));
        } else if next < CLUSTERS {
            let copied = Some(drain.copy(cluster(next)));
            self.drain = Some((drain, next, copied));
        } else {
            let left = drain.end(&mut self.mover);
            assert_eq!(left, 0, "a slot of a drained disk is in use");
        }
    }

    fn cancel_drain(&mut self) {
        if let Some((drain, next, copied)) = self.drain.take() {
            if let Some(copied) = copied {
                drain.put(&mut self.mover, cluster(next), copied);
            }
            drain.cancel(&mut self.mover);
        }
    }

    /// Every page is there; when all are freed, nothing is left.
    fn end(mut self) {
        self.cancel_drain();
        self.check();
        while let Some((moving, _)) = self.pick(0) {
            self.world.abandon(Source::Ram(moving));
        }
        self.check();
        self.write();
        self.end_clean();
        self.check();
        (0..SLOTS).for_each(|slot| self.free(Slot::new(slot)));
        while self.world.sweep_one() {}
        self.mover.flush();
        self.world.assert_empty();
    }

    fn check(&self) {
        (0..SLOTS).for_each(|slot| self.check_slot(Slot::new(slot)));
        let index = &self.world.index;
        let mut next = Some(0);
        while let Some(overview) = next.and_then(|next| index.overview(&Host::pin(), next)) {
            let (mut used, mut ram) = (0, 0);
            let look = |_, content| {
                used += 1;
                ram += usize::from(matches!(content, Some(Content::Ram(_))));
            };
            index.scan(&Host::pin(), overview.number, look);
            assert_ne!(used, 0, "an empty cluster is left");
            assert_eq!(overview.has_ram, ram != 0);
            next = overview.number.index().checked_add(1);
        }
    }
}
