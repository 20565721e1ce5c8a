// SPDX-License-Identifier: GPL-2.0-only

//! A device around the engine's index and bays: a pool of objects, disks of a few slots, and the
//! actions of the swap core and movers. A page is a number; whatever is freed is reused at once.
//!
//! One thread at a time stores, reads or frees a slot, as in the swap core.

mod chunk;
mod segments;

use self::chunk::{Chunk, Source};
use self::segments::{Inside, Segments, Words};
use crate::cell::Cell;
use crate::page::HostPage;
use crate::rcu::{Host, Pin};
use crate::sync::{yield_now, Mutex};
use vswap_engine::bay::{Bay, Entered, Section};
use vswap_engine::claims::{NewHome, Run, Slots, Stay};
use vswap_engine::codec::Codec;
use vswap_engine::entry::{Content, DiskNumber, Handle, Length, Object, Packed, Place, UNIT};
use vswap_engine::failed::{Extent, FailedExtents};
use vswap_engine::form::Home;
use vswap_engine::health::{Health, State};
use vswap_engine::held::{HeldContent, Moving, Owned, PinnedSlot, Retired};
use vswap_engine::index::ages::Which;
use vswap_engine::index::moves::Moved;
use vswap_engine::index::sweep::Swept;
use vswap_engine::index::Index;
use vswap_engine::map::{Bits, SlotMap};
use vswap_engine::page::PAGE_SIZE;
use vswap_engine::pending::Pending;
use vswap_engine::platform::{Page, Platform};
use vswap_engine::segment::{Segment, SEGMENT_SLOTS};
use vswap_engine::slot::{ClusterNumber, Offset, PhysicalCluster, PhysicalSlot, Slot};

/// Slots of a disk.
const SLOTS: usize = 2;

/// Segments of a disk, with the one whose slots those are.
const SEGMENTS: usize = 3;

/// How often a reader finds another place in the bay at most: more often than pages move.
const LOOKS: usize = 8;

/// The ram tier.
struct Pool {
    objects: Vec<Cell<Option<u64>>>,
    free: Mutex<Vec<usize>>,
}

impl Pool {
    fn new(objects: usize) -> Self {
        Self {
            objects: (0..objects).map(|_| Cell::new(None)).collect(),
            free: Mutex::new((0..objects).collect()),
        }
    }

    fn store(&self, page: u64) -> Owned {
        let number = self.free.lock().unwrap().pop().expect("enough objects");
        assert_eq!(self.objects[number].replace(Some(page)), None);
        Owned::ram(Object {
            handle: Handle::new(number as u64).expect("a low number"),
            length: Length::new(UNIT).expect("less than a page"),
            codec: Codec::Lz4,
        })
    }

    fn read(&self, object: Object) -> u64 {
        let page = self.objects[object.handle.number() as usize].get();
        page.expect("a freed object is read")
    }

    fn read_moving(&self, moving: &Moving) -> u64 {
        self.read(moving.object().expect("an object").object())
    }

    fn free(&self, entry: Owned) {
        if let Some(object) = entry.into_object() {
            let number = object.handle.number() as usize;
            let old = self.objects[number].replace(None);
            assert!(old.is_some(), "an object is freed twice");
            self.free.lock().unwrap().push(number);
        }
    }
}

/// A disk. Its slot `bad` takes no page.
pub struct Disk {
    health: Health,
    used: SlotMap,
    pages: Vec<Cell<u64>>,
    segments: Segments,
    bad: Option<usize>,
}

impl Disk {
    fn new(bad: Option<usize>) -> Self {
        Self {
            health: Health::default(),
            used: SlotMap::default(),
            pages: (0..SLOTS).map(|_| Cell::new(0)).collect(),
            segments: Segments::new(SEGMENTS),
            bad,
        }
    }

    fn claim_any(&self) -> Option<PhysicalSlot> {
        let slots = offsets().map(|offset| home_cluster().slot(offset));
        slots.into_iter().find(|slot| self.claim(*slot, 1))
    }

    fn read(&self, slot: PhysicalSlot) -> u64 {
        self.pages[slot.offset().index()].get()
    }

    fn write(&self, slot: PhysicalSlot, page: u64) -> bool {
        let index = slot.offset().index();
        let is_good = self.bad != Some(index);
        if is_good {
            self.pages[index].replace(page);
        }
        is_good
    }

    fn is_bad(&self, slot: PhysicalSlot) -> bool {
        self.bad == Some(slot.offset().index())
    }

    /// As `Disk::claim_segment`.
    fn claim_segment(&self) -> Option<Segment> {
        let mut segments = self.segments.all();
        let segment = segments.find(|segment| self.claim(segment.first(), SEGMENT_SLOTS))?;
        self.segments.live(segment).begin();
        Some(segment)
    }

    /// As `Disk::leave_segment`. What is bad is never used again.
    fn leave_segment(&self, segment: Segment) {
        let is_last = self.segments.live(segment).leave();
        if is_last.expect("one is counted too few") {
            let bits = Bits::run(segment.first().offset(), SEGMENT_SLOTS);
            if segment.slots().any(|slot| self.is_bad(slot)) {
                let good = segment.slots().filter(|slot| !self.is_bad(*slot));
                good.for_each(|slot| self.free(slot));
            } else {
                let freed = self.used.clear_bits(&bits);
                assert_eq!(freed.len(), SEGMENT_SLOTS, "a segment is freed twice");
            }
        }
    }

    /// Writes a segment. Gives the slot that takes no page.
    fn write_segment(&self, segment: Segment, mut words: Words) -> Result<(), PhysicalSlot> {
        let bad = segment.slots().find(|slot| self.is_bad(*slot));
        let is_written = |word: usize| {
            let slot = segment.first().checked_add(word * UNIT / PAGE_SIZE);
            slot.is_some() && slot != bad
        };
        words.retain(|word, _| is_written(*word));
        self.segments.write(segment, words);
        bad.map_or(Ok(()), Err)
    }
}

impl Slots for Disk {
    fn claim(&self, slot: PhysicalSlot, count: usize) -> bool {
        self.health.state() == State::Active && self.used.claim_exact(slot.offset(), count)
    }

    fn free(&self, slot: PhysicalSlot) {
        assert!(self.used.clear(slot.offset()), "a slot is freed twice");
    }
}

/// The pages of a call that could not be written.
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

/// Where a drain moves pages to.
#[derive(Clone, Copy, Debug)]
pub enum To {
    /// To the ram tier.
    Ram,
    /// To that disk.
    Disk(usize),
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

fn offset(index: usize) -> Offset {
    Offset::new(index).expect("a low number")
}

fn offsets() -> [Offset; SLOTS] {
    [FIRST.offset(), SECOND.offset()]
}

/// A slot of the first cluster.
pub const FIRST: Slot = Slot::new(0);
/// The other one.
pub const SECOND: Slot = Slot::new(1);
/// A slot of the second cluster.
pub const OTHER: Slot = Slot::new(512);

fn cluster() -> ClusterNumber {
    FIRST.cluster()
}

fn home_cluster() -> PhysicalCluster {
    PhysicalSlot::new(0).cluster()
}

fn number(disk: usize) -> DiskNumber {
    DiskNumber::new(disk).expect("a low number")
}

/// A device with a cluster of two slots, and another one.
pub struct World {
    index: Index<Host>,
    pending: Pending,
    pool: Pool,
    bays: Vec<Bay<Host, Disk>>,
}

impl World {
    /// A device whose pool has that many objects, with a disk in each bay; `disks` names the slot of each
    /// that takes no page.
    pub fn new(objects: usize, disks: &[Option<usize>]) -> Self {
        let bay = |(index, bad): (usize, &Option<usize>)| {
            let bay = Bay::new(number(index)).expect("memory");
            bay.fill(Disk::new(*bad).into());
            bay
        };
        Self {
            index: Index::new().expect("memory"),
            pending: Pending::default(),
            pool: Pool::new(objects),
            bays: disks.iter().enumerate().map(bay).collect(),
        }
    }

    /// As `Device::release`. A bad slot stays in use for ever.
    fn release(&self, cpu: &Pin, entry: Owned, bad: Option<&Failed>) {
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

    fn put(&self, slot: Slot, new: Owned, bad: Option<&Failed>) {
        let cpu = Host::pin();
        let replaced = self.index.put(&cpu, slot, new).expect("memory");
        self.release(&cpu, replaced.old, bad);
    }

    /// Empties a slot at once.
    pub fn free(&self, slot: Slot) {
        let cpu = Host::pin();
        let old = self.index.empty(&cpu, slot).old;
        self.release(&cpu, old, None);
    }

    /// The swap core frees a slot.
    pub fn mark_freed(&self, slot: Slot) {
        if self.index.mark_freed(&Host::pin(), slot).is_first {
            // The thread is woken, or looks again by itself.
            let _ = self.pending.add();
        }
    }

    /// The sweeping thread has been woken, and sweeps until there is nothing pending.
    pub fn sweep_if_any(&self) {
        while self.pending.any() {
            self.sweep();
        }
    }

    /// Releases what freed slots held.
    pub fn sweep(&self) {
        self.pending.begin();
        let Some(first) = self.index.freed(0) else {
            return;
        };
        let mut swept = Swept::NONE;
        self.index.sweep_from(first, &mut swept, |cpu, swept| {
            if let Some((home, bits)) = swept.whole.take() {
                for offset in bits {
                    let slot = home.cluster.slot(offset);
                    let disk = home.disk;
                    self.release(cpu, Owned::disk(Place { disk, slot }), None);
                }
            }
            for entry in swept {
                self.release(cpu, entry, None);
            }
        });
    }

    /// Stores a page that fits in its entry.
    pub fn store_same(&self, slot: Slot, page: u64) {
        self.put(slot, Owned::same(page).expect("a low number"), None);
    }

    /// Stores a page in the ram tier.
    pub fn store_in_ram(&self, slot: Slot, page: u64) {
        self.put(slot, self.pool.store(page), None);
    }

    fn claim(&self, slot: Slot, disk: usize, at: At) -> Option<Run<'_, Host, Disk>> {
        let bay = &self.bays[disk];
        match at {
            At::Home => Run::of(bay, home_cluster().slot(slot.offset())),
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
        // The failed page stays in the bay until it is repaired.
        let failed = failed_at(sent, to);
        if self.place_of(slot).is_some_and(|place| failed.has(place)) {
            self.put(slot, self.pool.store(page), Some(&failed));
        }
    }

    /// A page fails to get to the first disk, one of too many to be recorded exactly. Nothing of
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

    fn place_of(&self, slot: Slot) -> Option<Place> {
        let (reader, pinned) = (Host::reader(), PinnedSlot::new(slot));
        let (held, _) = self.index.load(&Host::pin(), &reader, &pinned);
        match held.content() {
            Some(HeldContent::Disk(place)) => Some(place),
            _ => None,
        }
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

    fn packed_of(&self, slot: Slot) -> Option<Packed> {
        let (reader, pinned) = (Host::reader(), PinnedSlot::new(slot));
        let (held, _) = self.index.load(&Host::pin(), &reader, &pinned);
        match held.content() {
            Some(HeldContent::Packed(packed)) => Some(packed),
            _ => None,
        }
    }

    /// The page of a slot in use.
    pub fn load(&self, slot: Slot) -> u64 {
        self.find(slot).expect("a page is lost to its reader")
    }

    fn start_move(&self, slot: Slot) -> Option<Moving> {
        let mut started = None;
        let which = Which::StoredBy(u32::MAX);
        self.index
            .start_moves(&Host::pin(), slot.cluster(), which, &[slot], |moving| {
                started = Some(moving);
            });
        started
    }

    /// Where a page lies that a drain moves, as an entry: in the ram tier if the disk takes none.
    fn placed(&self, slot: Slot, page: u64, to: To, stay: &mut Stay<Host>) -> Owned {
        let mut run = match to {
            To::Disk(disk) | To::Packed(disk) => self.claim(slot, disk, At::Any),
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

    fn abandon(&self, source: Source) {
        let cpu = Host::pin();
        match source {
            Source::Ram(moving) => {
                let left = self.index.abandon_move(&cpu, moving);
                self.release(&cpu, left, None);
            }
            Source::Disk(_, from) => self.let_go(&cpu, from),
        }
    }

    /// A mover is counted no more for an object that it has moved, or not.
    fn let_go(&self, cpu: &Pin, from: Packed) {
        if let Some(disk) = self.bays[from.place.disk.index()].peek(cpu) {
            disk.leave_segment(from.segment());
        }
    }

    /// A disk comes into an empty bay.
    pub fn add(&self, disk: usize) {
        self.bays[disk].fill(Disk::new(None).into());
    }

    /// A mover.
    pub fn mover(&self) -> Mover<'_> {
        Mover {
            world: self,
            retired: Vec::new(),
            tables: Vec::new(),
        }
    }

    /// Ends with these pages: nothing else runs any more. Frees them, and looks for
    /// leaks.
    pub fn assert_holds(&self, pages: [Option<u64>; SLOTS]) {
        self.sweep_if_any();
        for (slot, page) in [FIRST, SECOND].into_iter().zip(pages) {
            assert_eq!(self.find(slot), page);
            if let Some(moving) = self.start_move(slot) {
                self.abandon(Source::Ram(moving));
            } else {
                let in_ram = page.is_some() && self.is_in_ram(slot);
                assert!(!in_ram, "a mark is left");
            }
            self.free(slot);
        }
        let free = self.pool.free.lock().unwrap().len();
        assert_eq!(free, self.pool.objects.len(), "an object is lost");
        for bay in &self.bays {
            let Some(entered) = bay.enter() else { continue };
            let disk = entered.disk();
            let lost = usize::from(disk.bad.is_some_and(|slot| disk.used.test(offset(slot))));
            assert_eq!(disk.used.count(), lost, "a slot is lost");
        }
        let cpu = Host::pin();
        assert_eq!(self.index.overview(&cpu, 0), None, "a cluster is left");
        assert_eq!(self.index.coldest(), None, "a cluster that went is listed");
    }

    fn is_in_ram(&self, slot: Slot) -> bool {
        let (reader, pinned) = (Host::reader(), PinnedSlot::new(slot));
        let (held, _) = self.index.load(&Host::pin(), &reader, &pinned);
        matches!(held.content(), Some(HeldContent::Ram(_)))
    }
}

/// A mover, and what it has replaced.
pub struct Mover<'a> {
    world: &'a World,
    retired: Vec<Retired>,
    tables: Vec<Retired<HostPage>>,
}

impl Mover<'_> {
    fn release(&self, entry: Owned, bad: Option<&Failed>) {
        self.world.release(&Host::pin(), entry, bad);
    }

    fn moved(&mut self, moved: Moved) {
        match moved {
            Moved::Done { old, .. } => self.retired.push(old),
            Moved::TooLate { new, old } => {
                self.release(new, None);
                self.release(old, None);
            }
            Moved::NeedsTable(_) => unreachable!("there is one at hand"),
        }
    }

    /// A page that was begun with gets its new entry.
    fn finish_move(&mut self, source: Source, new: Owned) {
        let index = &self.world.index;
        match source {
            Source::Ram(moving) => {
                let moved = index.finish_move(&Host::pin(), moving, new);
                self.moved(moved);
            }
            Source::Disk(slot, from) => {
                let moved = index.exchange_packed(&Host::pin(), slot, from, new);
                self.moved(moved);
                self.world.let_go(&Host::pin(), from);
            }
        }
    }

    /// Turns the cluster into a whole one, if its pages lie so.
    pub fn collapse(&mut self) {
        let table = self.world.index.collapse(&Host::pin(), cluster());
        self.tables.extend(table);
    }

    /// Releases what was replaced, after a grace period.
    pub fn flush(&mut self) {
        if self.retired.is_empty() && self.tables.is_empty() {
            return;
        }
        Host::synchronize();
        for old in std::mem::take(&mut self.retired) {
            self.release(old.after_readers(), None);
        }
        for table in self.tables.drain(..) {
            drop(table.after_readers());
        }
    }

    /// Writes a page of the ram tier back, as `writer.rs` does. If it goes to its own offset the
    /// cluster then collapses.
    pub fn write_back(mut self, slot: Slot, disk: usize, at: At) {
        let world = self.world;
        let Some(moving) = world.start_move(slot) else {
            return;
        };
        let page = world.pool.read_moving(&moving);
        let mut stay = Stay::default();
        let mut run = world.claim(slot, disk, at);
        let place = run.as_mut().and_then(|run| {
            stay.at(&run.entered);
            Some(run.take()?.0)
        });
        drop(run);
        let sent = place.and_then(|place| Some((place, world.bays[disk].enter()?)));
        match (place, sent) {
            (Some(place), Some((_, sent))) if sent.disk().write(place.slot, page) => {
                drop(sent);
                self.finish_move(Source::Ram(moving), Owned::disk(place));
            }
            (Some(place), sent) => {
                let failed = sent.map(|(_, sent)| failed_at(sent, place.slot));
                self.release(Owned::disk(place), failed.as_ref());
                world.abandon(Source::Ram(moving));
            }
            (None, _) => world.abandon(Source::Ram(moving)),
        }
        if at == At::Home {
            self.collapse();
        }
        drop(stay);
        self.flush();
    }

    /// Compresses a page anew, as `recompress.rs` does.
    pub fn recompress(mut self, slot: Slot) {
        let world = self.world;
        let Some(moving) = world.start_move(slot) else {
            return;
        };
        let page = world.pool.read_moving(&moving);
        let new = world.pool.store(page);
        self.finish_move(Source::Ram(moving), new);
        self.flush();
    }

    /// Writes pages of the ram tier back that stay compressed, into one segment.
    pub fn pack(mut self, slots: &[Slot], disk: usize) {
        let mut chunk = Chunk::new(self.world, disk);
        slots.iter().for_each(|slot| chunk.add(*slot));
        chunk.finish(&mut self);
        self.flush();
    }

    /// Moves what is left in a segment of a disk to another one, as `cleaner.rs` does. The first that
    /// is in use is the one.
    pub fn clean(mut self, disk: usize) {
        let world = self.world;
        let enter = |segment| Inside::new(world.bays[disk].enter()?, segment);
        let mut segments = (1..).map_while(Segment::new).take(SEGMENTS - 1);
        let Some((segment, inside)) = segments.find_map(|s| Some((s, enter(s)?))) else {
            return;
        };
        let mut chunk = Chunk::new(world, disk);
        for (header, packed) in inside.objects() {
            let content = world.index.peek(&Host::pin(), header.slot);
            let is_there = content == Some(Content::Packed(packed));
            if is_there && inside.entered.disk().segments.live(segment).enter() {
                chunk.add_again(header.slot, packed, inside.read(packed));
            }
        }
        drop(inside);
        chunk.finish(&mut self);
        self.flush();
    }

    /// Removes a disk, as `drain.rs` does: its pages go elsewhere; then it is gone, or in service
    /// again if that was `cancelled`.
    pub fn remove(mut self, disk: usize, to: To, cancelled: bool) {
        let bay = &self.world.bays[disk];
        assert!(bay
            .enter()
            .expect("it is there")
            .disk()
            .health
            .start_draining());
        bay.wait();
        let entered = bay.enter().expect("it is there");
        self.drain(&entered, to);
        self.drain_packed(&entered, to);
        self.flush();
        drop(entered);
        if cancelled {
            bay.wait();
            bay.enter()
                .expect("it is there")
                .disk()
                .health
                .stop_draining();
            return;
        }
        let mut leaving = bay.take().expect("it is there");
        loop {
            match bay.has_left(leaving) {
                Ok(disk) => return drop(disk),
                Err(still) => leaving = still,
            }
            yield_now();
        }
    }

    fn look(&self, disk: DiskNumber) -> Vec<(Slot, Place)> {
        let mut places = Vec::new();
        self.world
            .index
            .scan(&Host::pin(), cluster(), |slot, content| match content {
                Some(Content::Disk(place)) if place.disk == disk => places.push((slot, place)),
                _ => {}
            });
        places
    }

    fn drain(&mut self, from: &Entered<'_, Host, Disk>, to: To) {
        let world = self.world;
        let home = world.index.home(&Host::pin(), cluster());
        let home = home.filter(|home| home.disk == from.number());
        let places = self.look(from.number());
        if places.is_empty() {
            return;
        }
        if let (Some(home), To::Disk(to)) = (home, to) {
            if self.rehome(from, home, to, &places) {
                return;
            }
        }
        for (slot, place) in self.look(from.number()) {
            let page = from.disk().read(place.slot);
            let mut stay = Stay::default();
            let mut new = world.placed(slot, page, to, &mut stay);
            let mut spare = None;
            let moved = loop {
                let cpu = Host::pin();
                match world.index.exchange(&cpu, slot, place, new, &mut spare) {
                    Moved::NeedsTable(back) => {
                        new = back;
                        spare = HostPage::new();
                    }
                    moved => break moved,
                }
            };
            self.moved(moved);
            drop(stay);
        }
        self.collapse();
    }

    /// As `drain_packed.rs`.
    fn drain_packed(&mut self, from: &Entered<'_, Host, Disk>, to: To) {
        let world = self.world;
        let mut pages = Vec::new();
        let look = |slot, content| match content {
            Some(Content::Packed(packed)) if packed.place.disk == from.number() => {
                pages.push((slot, packed));
            }
            _ => {}
        };
        world.index.scan(&Host::pin(), cluster(), look);
        let mut chunk = match to {
            To::Packed(disk) => Some(Chunk::new(world, disk)),
            To::Ram | To::Disk(_) => None,
        };
        for (slot, packed) in pages {
            // It may have been freed meanwhile, and its segment with it.
            let Some(inside) = Inside::new(from.again(), packed.segment()) else {
                continue;
            };
            let page = inside.read(packed);
            assert!(from.disk().segments.live(packed.segment()).add());
            drop(inside);
            if let Some(chunk) = &mut chunk {
                chunk.add_again(slot, packed, page);
            } else {
                let mut stay = Stay::default();
                let new = world.placed(slot, page, to, &mut stay);
                self.finish_move(Source::Disk(slot, packed), new);
            }
        }
        if let Some(chunk) = chunk {
            chunk.finish(self);
        }
    }

    fn rehome(
        &self,
        from: &Entered<'_, Host, Disk>,
        home: Home,
        to: usize,
        places: &[(Slot, Place)],
    ) -> bool {
        let world = self.world;
        let Some(entered) = world.bays[to].enter() else {
            return false;
        };
        let new = Home {
            disk: entered.number(),
            cluster: home_cluster(),
        };
        let mut target = NewHome::new(entered, new, None);
        let claims = places
            .iter()
            .map_while(|(slot, _)| target.claim(slot.offset()));
        let claimed: Vec<_> = claims.collect();
        let mut done = claimed.len() == places.len();
        let used = SlotMap::default();
        if done {
            for ((_, old), (_, slot)) in places.iter().zip(&claimed) {
                let page = from.disk().read(old.slot);
                assert!(target.entered.disk().write(*slot, page));
            }
            done = world
                .index
                .rehome(&Host::pin(), cluster(), home, new, |offset| {
                    used.set(offset);
                });
        }
        for ((slot, old), (place, _)) in places.iter().zip(&claimed) {
            let is_used = done && used.test(slot.offset());
            self.release(Owned::disk(if is_used { *old } else { *place }), None);
        }
        done
    }
}
