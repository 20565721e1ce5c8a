// SPDX-License-Identifier: GPL-2.0-only

//! A device made of the engine's parts, beside a list of the pages that its slots hold: stores,
//! loads, frees and sweeps, and between them the steps of movers and of a drain, which begin
//! with what may be another page's when they end.
//!
//! What is done follows `src/device.rs`, `src/glue/cluster.rs`, `src/glue/index.rs`, `src/sweep.rs`
//! and the movers. A page is a number; what is free is handed out again at once.

mod cluster;
mod tiers;

use arbitrary::Arbitrary;
use cluster::{Cluster, Locked};
use tiers::{Pool, Tier};
use vswap_engine::entry::{Content, DiskNumber, Entry, Place};
use vswap_engine::form::{Form, Home};
use vswap_engine::health::State;
use vswap_engine::map::PARTS;
use vswap_engine::slot::{ClusterNumber, Offset, PhysicalCluster, Slot, SLOTS_PER_CLUSTER};

const CLUSTERS: usize = 3;
const DISKS: usize = 2;

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
    /// So many parts of a cluster.
    SweepSome(u8),
    StartMove(At),
    FinishMove(u8, To),
    AbandonMove(u8),
    Collapse(u8),
    /// What movers replaced is given back.
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

/// A slot whose object a mover reads.
struct Moving {
    slot: Slot,
    entry: Entry,
    page: u64,
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

/// What a drain has copied of a cluster.
struct Copied {
    /// The cluster's home, and its home to be.
    homes: Option<(Home, Home)>,
    /// Where each page lies, and what its entry is to be.
    pages: Vec<(Slot, Place, Entry)>,
}

struct World {
    /// What each slot is to hold.
    pages: Vec<Option<u64>>,
    clusters: [Option<Cluster>; CLUSTERS],
    /// Which clusters are marked in the index.
    noted: [bool; CLUSTERS],
    sweeping: Option<(usize, usize)>,
    pool: Pool,
    disks: [Option<Tier>; DISKS],
    moving: Vec<Moving>,
    retired: Vec<Entry>,
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

    /// So many slots from here on that lie in the cluster.
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

impl World {
    fn new(sizes: [u16; DISKS]) -> Self {
        Self {
            pages: vec![None; CLUSTERS * SLOTS_PER_CLUSTER],
            clusters: Default::default(),
            noted: [false; CLUSTERS],
            sweeping: None,
            pool: Pool::default(),
            disks: sizes.map(|size| Some(Tier::new(size))),
            moving: Vec::new(),
            retired: Vec::new(),
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
            Step::SweepSome(parts) => (0..parts % 17).for_each(|_| self.sweep_on()),
            Step::StartMove(at) => self.start_move(at.slot()),
            Step::FinishMove(which, to) => {
                if let Some(moving) = self.pick(which) {
                    self.finish_move(moving, to);
                }
            }
            Step::AbandonMove(which) => {
                if let Some(moving) = self.pick(which) {
                    self.abandon_move(&moving);
                }
            }
            Step::Collapse(cluster) => self.collapse(usize::from(cluster) % CLUSTERS),
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

    /// A page that no other one is like.
    fn new_page(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// An entry for a page of a slot, where it is to go, or else in memory.
    fn placed(&mut self, slot: Slot, page: u64, to: To) -> Entry {
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
            Some(Entry::disk(Place { disk, slot }))
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
        let entry = Entry::same(word).unwrap_or_else(|| self.pool.store(word));
        self.put(slot, entry);
        self.pages[slot.number() as usize] = Some(word);
    }

    /// `Device::put`: a cluster comes when there is none.
    fn put(&mut self, slot: Slot, entry: Entry) {
        let index = cluster_of(slot);
        let cluster = self.clusters[index].get_or_insert_with(|| {
            let home = match entry.content() {
                Some(Content::Disk(place)) => Home::of(place, slot.offset()),
                _ => None,
            };
            Cluster::new(slot.cluster(), home)
        });
        let mut locked = cluster.lock(slot.cluster());
        let old = locked.put(slot.offset(), entry);
        locked.unmark(slot.offset());
        self.release(old);
    }

    /// Gives back what an entry holds that is in no table.
    fn release(&mut self, entry: Entry) {
        match entry.content().expect("an entry") {
            Content::Disk(place) => {
                let disk = self.disks[place.disk.index()].as_mut();
                disk.expect("its pages keep it").free(place.slot);
            }
            // It is left to the mover.
            Content::Ram(_) if entry.is_moving() => {}
            Content::Ram(object) => self.pool.free(object),
            Content::Empty | Content::Same(_) => {}
            Content::Lost => panic!("no disk is given up here"),
        }
    }

    fn entry(&self, slot: Slot) -> Entry {
        let cluster = self.clusters[cluster_of(slot)].as_ref();
        cluster.map_or(Entry::EMPTY, |cluster| cluster.load(slot.offset()))
    }

    /// The page that an entry speaks of.
    fn read(&self, entry: Entry) -> Option<u64> {
        match entry.content().expect("an entry") {
            Content::Empty => None,
            Content::Same(word) => Some(word),
            Content::Ram(object) => Some(self.pool.read(object)),
            Content::Disk(place) => self.disk(place.disk).map(|disk| disk.read(place.slot)),
            Content::Lost => panic!("no disk is given up here"),
        }
    }

    /// A slot in use holds its page; others are empty, or wait for a sweep.
    fn check_slot(&self, slot: Slot) {
        let entry = self.entry(slot);
        match self.pages[slot.number() as usize] {
            Some(page) => assert_eq!(self.read(entry), Some(page), "{slot:?}"),
            None => {
                assert!(entry.is_empty() || self.noted[cluster_of(slot)] || self.is_sweeping(slot))
            }
        }
    }

    fn is_sweeping(&self, slot: Slot) -> bool {
        let part = slot.offset().index() / vswap_engine::map::PART_BITS;
        self.sweeping
            .is_some_and(|(cluster, next)| cluster == cluster_of(slot) && part >= next)
    }

    fn free(&mut self, slot: Slot) {
        self.pages[slot.number() as usize] = None;
        let index = cluster_of(slot);
        if let Some(cluster) = &mut self.clusters[index] {
            if cluster.freed.mark(slot.offset()) {
                self.noted[index] |= cluster.freed.note();
            }
        }
    }

    fn undo(&mut self, slot: Slot) {
        self.pages[slot.number() as usize] = None;
        let index = cluster_of(slot);
        let Some(cluster) = &mut self.clusters[index] else {
            return;
        };
        let mut locked = cluster.lock(slot.cluster());
        locked.unmark(slot.offset());
        let old = locked.put(slot.offset(), Entry::EMPTY);
        let is_empty = locked.is_empty();
        self.gone_if(index, is_empty && !old.is_empty());
        self.release(old);
    }

    fn gone_if(&mut self, index: usize, is_empty: bool) {
        if is_empty {
            self.clusters[index] = None;
            self.noted[index] = false;
        }
    }

    fn sweep(&mut self) {
        while self.sweeping.is_some() || self.noted.contains(&true) {
            self.sweep_on();
        }
    }

    /// Sweeps a part of the cluster that the sweep is at, or of the first that is noted.
    fn sweep_on(&mut self) {
        let next = self.noted.iter().position(|noted| *noted);
        let Some((index, part)) = self.sweeping.or(next.map(|next| (next, 0))) else {
            return;
        };
        let Some(cluster) = &mut self.clusters[index] else {
            self.sweeping = None;
            return;
        };
        if self.sweeping.is_none() {
            self.noted[index] = false;
            cluster.freed.begin_sweep();
        }
        self.sweeping = (part + 1 < PARTS).then_some((index, part + 1));
        let freed = cluster.freed.take(part);
        let is_any = !freed.is_empty();
        let mut locked = cluster.lock_anyway();
        let mut swept = Vec::new();
        if let Form::Whole(home) = locked.form() {
            let bits = locked.empty_whole(&freed);
            if !bits.is_empty() {
                let disk = self.disks[home.disk.index()].as_mut();
                disk.expect("its pages keep it")
                    .free_bits(home.cluster, &bits);
            }
        } else {
            swept.extend(freed.map(|offset| locked.put(offset, Entry::EMPTY)));
        }
        let is_empty = is_any && locked.is_empty();
        if is_empty {
            self.sweeping = None;
        }
        self.gone_if(index, is_empty);
        swept.into_iter().for_each(|entry| self.release(entry));
    }

    fn start_move(&mut self, slot: Slot) {
        let moving = self.entry(slot).moving();
        let (Some(entry), Some(cluster)) = (moving, &mut self.clusters[cluster_of(slot)]) else {
            return;
        };
        cluster.lock(slot.cluster()).put(slot.offset(), entry);
        let page = self.read(entry).expect("an object holds a page");
        self.moving.push(Moving { slot, entry, page });
    }

    fn pick(&mut self, which: u8) -> Option<Moving> {
        let which = usize::from(which).checked_rem(self.moving.len())?;
        Some(self.moving.swap_remove(which))
    }

    /// Gives a slot a new entry if it still has the one expected. Says whether.
    fn exchange(&mut self, slot: Slot, expected: Entry, new: Entry) -> bool {
        let is_same = self.entry(slot) == expected;
        if let (true, Some(cluster)) = (is_same, &mut self.clusters[cluster_of(slot)]) {
            cluster.lock(slot.cluster()).put(slot.offset(), new);
            self.retired.push(expected.settled());
            return true;
        }
        self.release(new);
        false
    }

    fn finish_move(&mut self, moving: Moving, to: To) {
        let new = self.placed(moving.slot, moving.page, to);
        if !self.exchange(moving.slot, moving.entry, new) {
            self.release(moving.entry.settled());
        }
    }

    fn abandon_move(&mut self, moving: &Moving) {
        let settled = moving.entry.settled();
        if self.entry(moving.slot) != moving.entry {
            return self.release(settled);
        }
        if let Some(cluster) = &mut self.clusters[cluster_of(moving.slot)] {
            let mut locked: Locked<'_> = cluster.lock(moving.slot.cluster());
            locked.put(moving.slot.offset(), settled);
        }
    }

    fn collapse(&mut self, index: usize) {
        if let Some(cluster) = &mut self.clusters[index] {
            cluster.lock_anyway().collapse();
        }
    }

    fn flush(&mut self) {
        for entry in std::mem::take(&mut self.retired) {
            self.release(entry);
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
        let number = u32::try_from(index).ok().and_then(ClusterNumber::new);
        let number = number.expect("a low number");
        let places = Offset::all().filter_map(|offset| {
            let slot = number.slot(offset);
            match self.entry(slot).content() {
                Some(Content::Disk(place)) if place.disk == disk => Some((slot, place)),
                _ => None,
            }
        });
        places.collect()
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
        let form = self.clusters[drain.next].as_ref().map(Cluster::form);
        if let (Some(Form::Whole(from)), true) = (form, drain.to_disk) {
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
            let page = self.read(Entry::disk(place)).expect("it is there");
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
            let page = self.read(Entry::disk(*old)).expect("it is there");
            let new = cluster.slot(slot.offset());
            let tier = self.open(disk)?;
            if !tier.claim_at(new) {
                for (_, _, entry) in pages {
                    self.release(entry);
                }
                return None;
            }
            tier.write(new, page);
            pages.push((*slot, *old, to.entry(slot.offset())));
        }
        Some(Copied {
            homes: Some((from, to)),
            pages,
        })
    }

    fn put_copied(&mut self, index: usize, copied: Copied) {
        let Some((from, to)) = copied.homes else {
            for (slot, place, entry) in copied.pages {
                self.exchange(slot, Entry::disk(place), entry);
            }
            return self.collapse(index);
        };
        let done = match &mut self.clusters[index] {
            Some(cluster) => cluster.lock_anyway().rehome(from, to),
            None => false,
        };
        let mut left = Vec::new();
        for (slot, place, entry) in copied.pages {
            let is_used = done && !self.entry(slot).is_empty();
            self.release(if is_used { Entry::disk(place) } else { entry });
            if !done {
                left.push((slot, place));
            }
        }
        // Page by page, then.
        for (slot, place) in left {
            if self.entry(slot) == Entry::disk(place) {
                let page = self.read(Entry::disk(place)).expect("it is there");
                let entry = self.pool.store(page);
                self.exchange(slot, Entry::disk(place), entry);
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
        while let Some(moving) = self.pick(0) {
            self.abandon_move(&moving);
        }
        self.check();
        for slot in 0..CLUSTERS * SLOTS_PER_CLUSTER {
            self.free(Slot::new(u32::try_from(slot).expect("few slots")));
        }
        self.sweep();
        self.flush();
        assert!(
            self.clusters.iter().all(Option::is_none),
            "a cluster is left"
        );
        assert_eq!(self.pool.objects(), 0, "an object is left");
        for disk in self.disks.iter().flatten() {
            assert_eq!(disk.used(), 0, "a disk's slot is left");
        }
    }

    fn check(&self) {
        for slot in 0..CLUSTERS * SLOTS_PER_CLUSTER {
            self.check_slot(Slot::new(u32::try_from(slot).expect("few slots")));
        }
        for (index, cluster) in self.clusters.iter().enumerate() {
            let Some(cluster) = cluster else {
                continue;
            };
            let number = u32::try_from(index).ok().and_then(ClusterNumber::new);
            let number = number.expect("a low number");
            let entries = || Offset::all().map(|offset| self.entry(number.slot(offset)));
            let used = entries().filter(|entry| !entry.is_empty()).count();
            let ram = entries().filter(|entry| entry.is_ram()).count();
            assert_eq!(cluster.counts(), (used, ram != 0));
        }
    }
}

/// The physical cluster at home in which a virtual slot has its place.
fn home_of(slot: Slot, clusters: usize) -> Option<PhysicalCluster> {
    let index = cluster_of(slot).checked_rem(clusters)?;
    PhysicalCluster::new(u32::try_from(index).ok()?)
}
