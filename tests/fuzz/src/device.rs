// SPDX-License-Identifier: GPL-2.0-only

//! A device around the engine's index, beside a list of the pages that its slots hold: stores,
//! loads, frees and sweeps, and between them the steps of movers and of a drain, which begin
//! with a page that may be another one when they end.
//!
//! The index is the module's own, over the host's platform. A page is a number; whatever is freed is
//! reused at once.

mod tiers;

use arbitrary::Arbitrary;
use tiers::{Pool, Tier};
use vswap_engine::entry::{Content, DiskNumber, Place};
use vswap_engine::form::Home;
use vswap_engine::health::State;
use vswap_engine::held::{HeldContent, Moving, Owned, PinnedSlot, Retired};
use vswap_engine::index::ages::Which;
use vswap_engine::index::moves::Moved;
use vswap_engine::index::sweep::Swept;
use vswap_engine::index::Index;
use vswap_engine::map::SlotMap;
use vswap_engine::platform::{Page, Platform};
use vswap_engine::slot::{ClusterNumber, Offset, PhysicalCluster, Slot, SLOTS_PER_CLUSTER};
use vswap_platform::{Host, HostPage};

const CLUSTERS: usize = 3;
const DISKS: usize = 2;

/// The offsets that steps use: few, so that they collide, and those at the edges of a map's
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

#[derive(Arbitrary, Debug)]
enum Step {
    Same(At, u64),
    Store(At, To),
    /// That many consecutive slots, at their own offsets.
    StoreRun(At, u8, bool),
    Load(At),
    Free(At),
    FreeRun(At, u8),
    /// A store that fails.
    Undo(At),
    Sweep,
    /// Sweeps the first cluster that waits for it.
    SweepOne,
    StartMove(At),
    FinishMove(u8, To),
    AbandonMove(u8),
    Collapse(u8),
    /// Releases what movers replaced.
    Flush,
    Drain(bool, bool),
    /// The drain looks at a cluster and copies, or puts what it copied.
    DrainOn,
    CancelDrain,
    Add(bool, u16),
}

/// Runs an input: the sizes of the disks, then steps.
pub fn run(data: &[u8]) {
    let Some((sizes, steps)) = crate::read::<[u16; DISKS], Step>(data) else {
        return;
    };
    let mut world = World::new(sizes);
    for step in steps.iter().take(300) {
        world.step(step);
    }
    world.end();
}

/// A drain under way.
struct Drain {
    disk: DiskNumber,
    /// Where pages go: to the other disk, or into memory.
    to_disk: bool,
    /// The cluster that is next.
    next: usize,
    copied: Option<Copied>,
}

/// A drain's copies of a cluster's pages.
struct Copied {
    /// The cluster's home, and its new home.
    homes: Option<(Home, Home)>,
    /// Where each page lies, and its new entry.
    pages: Vec<(Slot, Place, Owned)>,
}

struct World {
    /// The expected page of each slot.
    pages: Vec<Option<u64>>,
    index: Index<Host>,
    pool: Pool,
    disks: [Option<Tier>; DISKS],
    moving: Vec<(Moving, u64)>,
    retired: Vec<Retired>,
    tables: Vec<Retired<HostPage>>,
    drain: Option<Drain>,
    /// The last page that was stored.
    last: u64,
}

impl At {
    fn slot(self) -> Slot {
        let cluster = u32::from(self.0 >> 4) % 3;
        let offset = OFFSETS[usize::from(self.0 & 15)];
        let cluster = ClusterNumber::new(cluster).expect("a low number");
        cluster.slot(Offset::new(offset).expect("below 512"))
    }

    /// That many slots from here on that lie in the cluster.
    fn run(self, count: u8) -> impl Iterator<Item = Slot> {
        let slot = self.slot();
        let slots = (0..usize::from(count)).filter_map(move |place| slot.checked_add(place));
        slots.take_while(move |next| next.cluster() == slot.cluster())
    }
}

fn cluster_of(slot: Slot) -> usize {
    slot.cluster().index() as usize
}

fn number(disk: bool) -> DiskNumber {
    DiskNumber::new(disk.into()).expect("one of two")
}

fn cluster(index: usize) -> ClusterNumber {
    let number = u32::try_from(index).ok().and_then(ClusterNumber::new);
    number.expect("a low number")
}

impl World {
    fn new(sizes: [u16; DISKS]) -> Self {
        Self {
            pages: vec![None; CLUSTERS * SLOTS_PER_CLUSTER],
            index: Index::new().expect("memory"),
            pool: Pool::default(),
            disks: sizes.map(|size| Some(Tier::new(size))),
            moving: Vec::new(),
            retired: Vec::new(),
            tables: Vec::new(),
            drain: None,
            last: 0,
        }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Same(at, word) => self.store_same(at.slot(), word),
            Step::Store(at, to) => self.store(at.slot(), to),
            Step::StoreRun(at, count, disk) => at
                .run(count)
                .for_each(|slot| self.store(slot, To::Home(disk))),
            Step::Load(at) => self.check_slot(at.slot()),
            Step::Free(at) => self.free(at.slot()),
            Step::FreeRun(at, count) => at.run(count).for_each(|slot| self.free(slot)),
            Step::Undo(at) => self.undo(at.slot()),
            Step::Sweep => self.sweep(),
            Step::SweepOne => {
                self.sweep_one();
            }
            Step::StartMove(at) => self.start_move(at.slot()),
            Step::FinishMove(which, to) => {
                if let Some((moving, page)) = self.pick(which) {
                    self.finish_move(moving, page, to);
                }
            }
            Step::AbandonMove(which) => {
                if let Some((moving, _)) = self.pick(which) {
                    self.abandon_move(moving);
                }
            }
            Step::Collapse(index) => self.collapse(usize::from(index) % CLUSTERS),
            Step::Flush => self.flush(),
            Step::Drain(disk, to_disk) => self.start_drain(number(disk), to_disk),
            Step::DrainOn => self.drain_on(),
            Step::CancelDrain => self.cancel_drain(),
            Step::Add(disk, size) => {
                let tier = &mut self.disks[usize::from(disk)];
                if tier.is_none() {
                    *tier = Some(Tier::new(size));
                }
            }
        }
    }

    fn disk(&self, number: DiskNumber) -> Option<&Tier> {
        self.disks[number.index()].as_ref()
    }

    /// A disk that takes pages.
    fn open(&mut self, number: DiskNumber) -> Option<&mut Tier> {
        let disk = self.disks[number.index()].as_mut()?;
        (disk.health.state() == State::Active).then_some(disk)
    }

    /// A new page, unlike any other.
    fn new_page(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// An entry for a page of a slot, at the requested place, or else in memory.
    fn placed(&mut self, slot: Slot, page: u64, to: To) -> Owned {
        let disk = match to {
            To::Ram => None,
            To::Disk(disk) | To::Home(disk) => Some(number(disk)),
        };
        let claimed = disk.and_then(|disk| {
            let tier = self.open(disk)?;
            let slot = match to {
                To::Home(_) => tier.claim_at_home(slot)?,
                To::Ram | To::Disk(_) => tier.claim()?,
            };
            tier.write(slot, page);
            Some(Owned::disk(Place { disk, slot }))
        });
        claimed.unwrap_or_else(|| self.pool.store(page))
    }

    fn store(&mut self, slot: Slot, to: To) {
        let page = self.new_page();
        let entry = self.placed(slot, page, to);
        self.put(slot, entry);
        self.pages[slot.number() as usize] = Some(page);
    }

    fn store_same(&mut self, slot: Slot, word: u64) {
        let entry = Owned::same(word).unwrap_or_else(|| self.pool.store(word));
        self.put(slot, entry);
        self.pages[slot.number() as usize] = Some(word);
    }

    fn put(&mut self, slot: Slot, entry: Owned) {
        let replaced = self.index.put(&Host::pin(), slot, entry);
        self.release(replaced.expect("memory").old);
    }

    /// Releases what an entry that is in no table holds.
    fn release(&mut self, entry: Owned) {
        match entry.content().expect("an entry") {
            Content::Disk(place) => {
                let disk = self.disks[place.disk.index()].as_mut();
                disk.expect("its pages keep it").free(place.slot);
            }
            Content::Packed(_) => panic!("nothing is packed here"),
            Content::Lost => panic!("no disk is given up here"),
            _ => {
                if let Some(object) = entry.into_object() {
                    self.pool.free(object);
                }
            }
        }
    }

    /// The page that a slot holds.
    fn find(&self, slot: Slot) -> Option<u64> {
        let (reader, pinned) = (Host::reader(), PinnedSlot::new(slot));
        let (held, _) = self.index.load(&Host::pin(), &reader, &pinned);
        match held.content().expect("an entry") {
            HeldContent::Empty => None,
            HeldContent::Same(word) => Some(word),
            HeldContent::Ram(object) => Some(self.pool.read(object.object())),
            HeldContent::Disk(place) => Some(self.read(place)),
            HeldContent::Packed(_) => panic!("nothing is packed here"),
            HeldContent::Lost => panic!("no disk is given up here"),
        }
    }

    fn read(&self, place: Place) -> u64 {
        let disk = self.disk(place.disk).expect("its pages keep it");
        disk.read(place.slot)
    }

    /// A slot in use holds its page; others are empty, or wait for a sweep.
    fn check_slot(&self, slot: Slot) {
        let found = self.find(slot);
        match self.pages[slot.number() as usize] {
            Some(page) => assert_eq!(found, Some(page), "{slot:?}"),
            None => assert!(found.is_none() || self.waits_for_sweep(slot)),
        }
    }

    fn waits_for_sweep(&self, slot: Slot) -> bool {
        let number = slot.cluster();
        self.index.freed(number.index()) == Some(number)
    }

    fn free(&mut self, slot: Slot) {
        self.pages[slot.number() as usize] = None;
        self.index.mark_freed(&Host::pin(), slot);
    }

    fn undo(&mut self, slot: Slot) {
        self.pages[slot.number() as usize] = None;
        let replaced = self.index.empty(&Host::pin(), slot);
        self.release(replaced.old);
    }

    fn sweep(&mut self) {
        while self.sweep_one() {}
    }

    /// Sweeps the first cluster that waits for it. Says whether there was one.
    fn sweep_one(&mut self) -> bool {
        let Some(number) = self.index.freed(0) else {
            return false;
        };
        let (mut old, mut homes) = (Vec::new(), Vec::new());
        let mut swept = Swept::NONE;
        self.index.sweep(number, &mut swept, |_, swept| {
            homes.extend(swept.whole.take());
            old.extend(swept);
        });
        for (home, bits) in homes.into_iter().filter(|(_, bits)| !bits.is_empty()) {
            let disk = self.disks[home.disk.index()].as_mut();
            disk.expect("its pages keep it")
                .free_bits(home.cluster, &bits);
        }
        old.into_iter().for_each(|entry| self.release(entry));
        true
    }

    fn start_move(&mut self, slot: Slot) {
        let mut started = None;
        let which = Which::StoredBy(u32::MAX);
        self.index
            .start_moves(&Host::pin(), slot.cluster(), which, &[slot], |moving| {
                started = Some(moving);
            });
        if let Some(moving) = started {
            let page = self.pool.read(moving.object().expect("an object").object());
            self.moving.push((moving, page));
        }
    }

    fn pick(&mut self, which: u8) -> Option<(Moving, u64)> {
        let which = usize::from(which).checked_rem(self.moving.len())?;
        Some(self.moving.swap_remove(which))
    }

    fn moved(&mut self, moved: Moved) {
        match moved {
            Moved::Done { old, .. } => self.retired.push(old),
            Moved::TooLate { new, old } => {
                self.release(new);
                self.release(old);
            }
            Moved::NeedsTable(_) => panic!("there is one at hand"),
        }
    }

    /// Gives a slot a new entry if its page still lies there.
    fn exchange(&mut self, slot: Slot, place: Place, new: Owned) {
        let mut spare = HostPage::new();
        let moved = self
            .index
            .exchange(&Host::pin(), slot, place, new, &mut spare);
        self.moved(moved);
    }

    fn finish_move(&mut self, moving: Moving, page: u64, to: To) {
        let new = self.placed(moving.slot(), page, to);
        let moved = self.index.finish_move(&Host::pin(), moving, new);
        self.moved(moved);
    }

    fn abandon_move(&mut self, moving: Moving) {
        let left = self.index.abandon_move(&Host::pin(), moving);
        self.release(left);
    }

    fn collapse(&mut self, index: usize) {
        let table = self.index.collapse(&Host::pin(), cluster(index));
        self.tables.extend(table);
    }

    fn flush(&mut self) {
        for entry in std::mem::take(&mut self.retired) {
            self.release(entry.after_readers());
        }
        for table in self.tables.drain(..) {
            drop(table.after_readers());
        }
    }

    fn start_drain(&mut self, disk: DiskNumber, to_disk: bool) {
        let Some(tier) = self.disk(disk).filter(|_| self.drain.is_none()) else {
            return;
        };
        assert!(tier.health.start_draining());
        self.drain = Some(Drain {
            disk,
            to_disk,
            next: 0,
            copied: None,
        });
    }

    /// The slots of a cluster whose pages lie on a disk.
    fn look(&self, index: usize, disk: DiskNumber) -> Vec<(Slot, Place)> {
        let mut places = Vec::new();
        let look = |slot, content| match content {
            Some(Content::Disk(place)) if place.disk == disk => places.push((slot, place)),
            _ => {}
        };
        self.index.scan(&Host::pin(), cluster(index), look);
        places
    }

    fn drain_on(&mut self) {
        let Some(mut drain) = self.drain.take() else {
            return;
        };
        if let Some(copied) = drain.copied.take() {
            self.put_copied(drain.next, copied);
            drain.next += 1;
        } else if drain.next < CLUSTERS {
            drain.copied = Some(self.copy(&drain));
        } else {
            return self.remove(drain.disk);
        }
        self.drain = Some(drain);
    }

    fn remove(&mut self, disk: DiskNumber) {
        self.flush();
        let tier = self.disks[disk.index()].take().expect("it is drained");
        assert_eq!(tier.used(), 0, "a slot of a drained disk is in use");
    }

    fn copy(&mut self, drain: &Drain) -> Copied {
        let other = number(drain.disk.index() == 0);
        let places = self.look(drain.next, drain.disk);
        let home = self.index.home(&Host::pin(), cluster(drain.next));
        if let (Some(from), true) = (home, drain.to_disk) {
            if from.disk == drain.disk {
                if let Some(copied) = self.copy_whole(from, other, &places) {
                    return copied;
                }
            }
        }
        let to = if drain.to_disk {
            To::Disk(other.index() == 1)
        } else {
            To::Ram
        };
        let mut pages = Vec::new();
        for (slot, place) in places {
            let page = self.read(place);
            let entry = self.placed(slot, page, to);
            pages.push((slot, place, entry));
        }
        Copied { homes: None, pages }
    }

    fn copy_whole(
        &mut self,
        from: Home,
        disk: DiskNumber,
        places: &[(Slot, Place)],
    ) -> Option<Copied> {
        let cluster = self.open(disk)?.new_home()?;
        let to = Home { disk, cluster };
        let mut pages = Vec::new();
        for (slot, old) in places {
            let page = self.read(*old);
            let new = cluster.slot(slot.offset());
            let tier = self.open(disk)?;
            if !tier.claim_at(new) {
                for (_, _, entry) in pages {
                    self.release(entry);
                }
                return None;
            }
            tier.write(new, page);
            pages.push((*slot, *old, Owned::disk(Place { disk, slot: new })));
        }
        Some(Copied {
            homes: Some((from, to)),
            pages,
        })
    }

    fn put_copied(&mut self, index: usize, copied: Copied) {
        let Some((from, to)) = copied.homes else {
            for (slot, place, entry) in copied.pages {
                self.exchange(slot, place, entry);
            }
            return self.collapse(index);
        };
        let used = SlotMap::default();
        let done = self
            .index
            .rehome(&Host::pin(), cluster(index), from, to, |offset| {
                used.set(offset);
            });
        let mut left = Vec::new();
        for (slot, place, entry) in copied.pages {
            let is_used = done && used.test(slot.offset());
            self.release(if is_used { Owned::disk(place) } else { entry });
            if !done {
                left.push((slot, place));
            }
        }
        // Page by page, then.
        for (slot, place) in left {
            if self.look(index, place.disk).contains(&(slot, place)) {
                let page = self.read(place);
                let entry = self.pool.store(page);
                self.exchange(slot, place, entry);
            }
        }
    }

    fn cancel_drain(&mut self) {
        let Some(drain) = self.drain.take() else {
            return;
        };
        if let Some(copied) = drain.copied {
            self.put_copied(drain.next, copied);
        }
        self.flush();
        let disk = self.disk(drain.disk).expect("it was drained");
        assert!(disk.health.cancel());
        disk.health.stop_draining();
    }

    /// Every page is there; when all are freed, nothing is left.
    fn end(mut self) {
        self.cancel_drain();
        self.check();
        while let Some((moving, _)) = self.pick(0) {
            self.abandon_move(moving);
        }
        self.check();
        for slot in 0..CLUSTERS * SLOTS_PER_CLUSTER {
            self.free(Slot::new(u32::try_from(slot).expect("few slots")));
        }
        self.sweep();
        self.flush();
        assert_eq!(
            self.index.overview(&Host::pin(), 0),
            None,
            "a cluster is left"
        );
        assert_eq!(self.index.coldest(), None, "a cluster that went is listed");
        assert_eq!(self.pool.objects(), 0, "an object is left");
        for disk in self.disks.iter().flatten() {
            assert_eq!(disk.used(), 0, "a disk's slot is left");
        }
    }

    fn check(&self) {
        for slot in 0..CLUSTERS * SLOTS_PER_CLUSTER {
            self.check_slot(Slot::new(u32::try_from(slot).expect("few slots")));
        }
        let mut next = Some(0);
        while let Some(overview) = next.and_then(|n| self.index.overview(&Host::pin(), n)) {
            let (mut used, mut ram) = (0, 0);
            let look = |_, content| {
                used += 1;
                ram += usize::from(matches!(content, Some(Content::Ram(_))));
            };
            self.index.scan(&Host::pin(), overview.number, look);
            assert_ne!(used, 0, "an empty cluster is left");
            assert_eq!(overview.has_ram, ram != 0);
            next = overview.number.index().checked_add(1);
        }
    }
}

/// The physical cluster at home in which a virtual slot has its place.
fn home_of(slot: Slot, clusters: usize) -> Option<PhysicalCluster> {
    let index = cluster_of(slot).checked_rem(clusters)?;
    PhysicalCluster::new(u32::try_from(index).ok()?)
}
