// SPDX-License-Identifier: GPL-2.0-only

//! Models of movers that give slots other entries while the swap core uses them.
//!
//! `World` stands for the device: a cluster of two slots, the ram tier's pool, disks in their
//! bays. What it does follows `glue/cluster.rs`, `glue/index.rs`, `glue/bay.rs`, `device.rs`
//! and the movers step by step. Objects, disk slots, tables and disks are cells, of which loom
//! says when one thread changes what another uses: who gives them back changes them. What is
//! free is handed out again at once.
//!
//! A slot is stored, read and freed by one thread of a model at a time, as the swap core does
//! it. The cluster stays; how it comes and goes is in `models.rs`.
//!
//! Each [`Rule`] can be left out; [`every_rule_is_needed`] sees that a model fails then.

use super::codec::Codec;
use super::entry::{Content, DiskNumber, Entry, Handle, Length, Object, Place};
use super::form::{Form, Home};
use super::freed::FreedSlots;
use super::health::{Health, State};
use super::map::SlotMap;
use super::model::with_preemptions;
use super::slot::{Offset, PhysicalCluster, PhysicalSlot};
use super::table::Occupancy;
use loom::cell::Cell;
use loom::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use loom::sync::{Arc, Mutex, MutexGuard};
use loom::thread;
use std::process::Command;
use std::string::String;
use std::sync::OnceLock;
use std::vec::Vec;
use std::{env, format};

/// Slots of the cluster, and of each disk.
const SLOTS: usize = 2;
const TABLES: usize = 2;
const THREADS: usize = 3;

/// How deep sections of a bay are: that of a new home, of its run, of the bio.
const DEPTH: usize = 3;

/// How often a reader finds another place in the bay at most: more often than pages move.
const TRIES: usize = 8;

/// What makes a move safe. Models are run without one to see them fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// An entry whose object is being moved says so.
    Mark,
    /// Who takes a marked entry out leaves its object to the mover.
    LeftToMover,
    /// A marked entry has one mover.
    OneMover,
    /// A mover replaces only the entry that it looked at.
    Compare,
    /// A replaced object is freed after a grace period.
    Grace,
    /// A replaced table is freed after a grace period.
    TableGrace,
    /// A reader is in the bay while it reads.
    ReaderStays,
    /// A reader looks its place up again in the bay.
    LookAgain,
    /// A writer is in the bay until its page is written and its entry says where.
    WriterStays,
    /// What failed to be written is in the bay until it is repaired.
    FailedStays,
    /// A disk that is drained takes no pages.
    Closed,
    /// A drain waits for the bay before it looks for pages.
    WaitFirst,
    /// A wait for a bay waits as well for sections begun within those that it waits for.
    WaitForInner,
    /// A drained disk's bay is waited for before the disk takes pages again.
    WaitForReaders,
    /// A disk that goes waits for its bay.
    ClearWaits,
    /// A disk that goes waits for those who free slots.
    ClearGrace,
    /// What a move that is too late was to put is given back.
    GiveBack,
    /// A move that comes to nothing takes its mark away.
    Unmark,
    /// A table is filled before the form is one.
    FillFirst,
    /// The map stays as it is when a cluster spreads.
    KeepMap,
    /// The map is assigned before the form is whole.
    MapFirst,
    /// A home is replaced only where it is still the one that was copied.
    CompareHome,
    /// What is in use is seen when the home is replaced.
    UsedThen,
    /// A store takes the mark away that says that its slot was freed.
    UnmarkFreed,
}

const WITHOUT: &str = "VSWAP_MODEL_WITHOUT";

fn follows(rule: Rule) -> bool {
    static WITHOUT_RULE: OnceLock<String> = OnceLock::new();
    let without = WITHOUT_RULE.get_or_init(|| env::var(WITHOUT).unwrap_or_default());
    *without != format!("{rule:?}")
}

/// Sections that can be waited for, as of RCU or SRCU: those of each thread exclude the wait,
/// and a thread has one at a time at each depth. Who waits sees what was done in those that are
/// over, and is seen in those that come later; no more.
///
/// A wait is for those that have begun: the inner ones are waited for first, so that one which
/// begins while the outer one is waited for is not.
struct Grace<const DEPTH: usize>([[Mutex<()>; DEPTH]; THREADS]);

impl<const DEPTH: usize> Grace<DEPTH> {
    fn new() -> Self {
        Self(core::array::from_fn(|_| {
            core::array::from_fn(|_| Mutex::new(()))
        }))
    }

    fn enter(&self, me: usize, depth: usize) -> MutexGuard<'_, ()> {
        self.0[me][depth].lock().unwrap()
    }

    fn wait(&self) {
        for depth in (0..DEPTH).rev() {
            for thread in &self.0 {
                drop(thread[depth].lock().unwrap());
            }
        }
    }
}

/// The ram tier.
struct Pool {
    objects: Vec<Cell<Option<u64>>>,
    free: Mutex<Vec<usize>>,
}

fn object_of(entry: Entry) -> Option<usize> {
    match entry.content() {
        Some(Content::Ram(object)) => Some(object.handle.number() as usize),
        _ => None,
    }
}

impl Pool {
    fn new(objects: usize) -> Self {
        Self {
            objects: (0..objects).map(|_| Cell::new(None)).collect(),
            free: Mutex::new((0..objects).collect()),
        }
    }

    fn store(&self, page: u64) -> Entry {
        let object = self.free.lock().unwrap().pop().expect("enough objects");
        assert_eq!(self.objects[object].replace(Some(page)), None);
        Entry::ram(Object {
            handle: Handle::new(object as u64).unwrap(),
            length: Length::PAGE,
            codec: Codec::Raw,
        })
    }

    fn read(&self, entry: Entry) -> u64 {
        let object = object_of(entry).expect("an object");
        self.objects[object].get().expect("a freed object is read")
    }

    fn free(&self, entry: Entry) {
        if entry.is_moving() && follows(Rule::LeftToMover) {
            return;
        }
        if let Some(object) = object_of(entry) {
            let old = self.objects[object].replace(None);
            assert!(old.is_some(), "an object is freed twice");
            self.free.lock().unwrap().push(object);
        }
    }
}

/// A disk. Its slot `bad` takes no page.
struct Disk {
    health: Health,
    used: SlotMap,
    pages: Vec<Cell<u64>>,
    bad: Option<usize>,
    gone: Cell<bool>,
}

impl Disk {
    fn new(bad: Option<usize>) -> Self {
        Self {
            health: Health::default(),
            used: SlotMap::default(),
            pages: (0..SLOTS).map(|_| Cell::new(0)).collect(),
            bad,
            gone: Cell::new(false),
        }
    }

    fn touch(&self) {
        assert!(!self.gone.get(), "a disk is used that is gone");
    }

    fn is_active(&self) -> bool {
        self.touch();
        self.health.state() == State::Active
    }

    fn claim_at(&self, offset: Offset) -> Option<PhysicalSlot> {
        let claimed = self.is_active() && self.used.claim_exact(offset, 1);
        claimed.then(|| home_cluster().slot(offset))
    }

    fn claim(&self) -> Option<PhysicalSlot> {
        if !self.is_active() {
            return None;
        }
        offsets()
            .find(|offset| self.used.claim_exact(*offset, 1))
            .map(|offset| home_cluster().slot(offset))
    }

    fn free(&self, slot: PhysicalSlot) {
        self.touch();
        assert!(self.used.clear(slot.offset()), "a slot is freed twice");
    }

    fn read(&self, slot: PhysicalSlot) -> u64 {
        self.touch();
        self.pages[slot.offset().index()].get()
    }

    fn write(&self, slot: PhysicalSlot, page: u64) -> bool {
        self.touch();
        let index = slot.offset().index();
        if self.bad == Some(index) {
            return false;
        }
        self.pages[index].set(page);
        true
    }
}

/// The place of a disk: 0, or one more than its index.
struct Bay {
    disk: AtomicUsize,
    srcu: Grace<DEPTH>,
}

impl Bay {
    fn wait(&self) {
        let times = if follows(Rule::WaitForInner) {
            DEPTH
        } else {
            1
        };
        for _ in 0..times {
            self.srcu.wait();
        }
    }
}

struct Entered<'a> {
    number: DiskNumber,
    bay: &'a Bay,
    disk: &'a Disk,
    me: usize,
    depth: usize,
    section: Option<MutexGuard<'a, ()>>,
}

impl Entered<'_> {
    /// Enters once more, and leaves what was entered before.
    fn hand_over(&mut self) {
        self.depth += 1;
        if self.section.is_some() {
            self.section = Some(self.bay.srcu.enter(self.me, self.depth));
        }
    }
}

struct Table {
    entries: [AtomicU64; SLOTS],
    free: Cell<bool>,
}

impl Table {
    fn new() -> Self {
        Self {
            entries: Default::default(),
            free: Cell::new(true),
        }
    }

    fn load(&self, offset: Offset) -> Entry {
        let word = self.entries[offset.index()].load(Ordering::Acquire);
        assert!(!self.free.get(), "a freed table is read");
        Entry::from_word(word)
    }

    fn home(&self) -> Option<Home> {
        let mut home = None;
        for offset in offsets() {
            match self.load(offset).content()? {
                Content::Empty => {}
                Content::Disk(place) => {
                    let here = Some(Home::of(place, offset)?);
                    if home.is_some() && home != here {
                        return None;
                    }
                    home = here;
                }
                _ => return None,
            }
        }
        home
    }
}

struct Cluster {
    form: AtomicUsize,
    occupancy: Mutex<Occupancy>,
    freed: FreedSlots,
    /// Whether the index has the cluster marked. Changed with the lock held.
    noted: Mutex<bool>,
    map: SlotMap,
    tables: Vec<Table>,
    spare: Mutex<Vec<usize>>,
}

struct Locked<'a> {
    cluster: &'a Cluster,
    occupancy: MutexGuard<'a, Occupancy>,
}

fn table_form(index: usize) -> Form {
    Form::Table((index + 1) << 12)
}

impl Cluster {
    fn new(form: Form) -> Self {
        let cluster = Self {
            form: AtomicUsize::new(Form::None.to_word()),
            occupancy: Mutex::new(Occupancy::EMPTY),
            freed: FreedSlots::default(),
            noted: Mutex::new(false),
            map: SlotMap::default(),
            tables: (0..TABLES).map(|_| Table::new()).collect(),
            spare: Mutex::new((0..TABLES).collect()),
        };
        let form = match form {
            Form::None => table_form(cluster.new_table()),
            form => form,
        };
        cluster.form.store(form.to_word(), Ordering::Release);
        cluster
    }

    fn table(&self, address: usize) -> &Table {
        &self.tables[(address >> 12) - 1]
    }

    fn new_table(&self) -> usize {
        let index = self.spare.lock().unwrap().pop().expect("enough tables");
        let table = &self.tables[index];
        assert!(table.free.replace(false));
        for entry in &table.entries {
            entry.store(0, Ordering::Relaxed);
        }
        index
    }

    fn free_table(&self, index: usize) {
        let was_free = self.tables[index].free.replace(true);
        assert!(!was_free, "a table is freed twice");
        self.spare.lock().unwrap().push(index);
    }

    /// Without the lock; the caller is an RCU reader.
    fn load(&self, offset: Offset) -> Entry {
        match Form::from_word(self.form.load(Ordering::Acquire)) {
            Form::Table(address) => self.table(address).load(offset),
            Form::Whole(home) if self.map.test(offset) => home.entry(offset),
            Form::Whole(_) | Form::None => Entry::EMPTY,
        }
    }

    fn lock(&self) -> Locked<'_> {
        Locked {
            cluster: self,
            occupancy: self.occupancy.lock().unwrap(),
        }
    }
}

impl Locked<'_> {
    fn form(&self) -> Form {
        Form::from_word(self.cluster.form.load(Ordering::Relaxed))
    }

    fn set_form(&self, form: Form) {
        self.cluster.form.store(form.to_word(), Ordering::Release);
    }

    fn get(&self, offset: Offset) -> Entry {
        match self.form() {
            Form::Table(address) => self.cluster.table(address).load(offset),
            Form::Whole(home) if self.cluster.map.test(offset) => home.entry(offset),
            Form::Whole(_) | Form::None => Entry::EMPTY,
        }
    }

    fn put(&mut self, offset: Offset, new: Entry) -> Entry {
        loop {
            let old = match self.form() {
                Form::Table(address) => {
                    let table = self.cluster.table(address);
                    let old = table.load(offset);
                    table.entries[offset.index()].store(new.to_word(), Ordering::Release);
                    old
                }
                Form::Whole(home) if new.is_empty() || new == home.entry(offset) => {
                    let was = if new.is_empty() {
                        self.cluster.map.clear(offset)
                    } else {
                        self.cluster.map.set(offset)
                    };
                    if was {
                        home.entry(offset)
                    } else {
                        Entry::EMPTY
                    }
                }
                Form::Whole(home) => {
                    self.spread(home);
                    continue;
                }
                Form::None => unreachable!("the cluster stays"),
            };
            self.occupancy.change(old, new);
            return old;
        }
    }

    fn spread(&self, home: Home) {
        let index = self.cluster.new_table();
        if !follows(Rule::FillFirst) {
            self.set_form(table_form(index));
        }
        for offset in offsets().filter(|offset| self.cluster.map.test(*offset)) {
            let entry = home.entry(offset).to_word();
            self.cluster.tables[index].entries[offset.index()].store(entry, Ordering::Relaxed);
        }
        self.set_form(table_form(index));
        if !follows(Rule::KeepMap) {
            self.cluster.map.clear_all();
        }
    }

    fn collapse(&self) -> Option<usize> {
        let Form::Table(address) = self.form() else {
            return None;
        };
        let table = self.cluster.table(address);
        let home = table.home()?;
        if !follows(Rule::MapFirst) {
            self.set_form(Form::Whole(home));
        }
        for offset in offsets() {
            if table.load(offset).is_empty() {
                self.cluster.map.clear(offset);
            } else {
                self.cluster.map.set(offset);
            }
        }
        self.set_form(Form::Whole(home));
        Some((address >> 12) - 1)
    }

    fn rehome(&self, from: Home, to: Home) -> bool {
        let is_there = self.form() == Form::Whole(from) || !follows(Rule::CompareHome);
        if is_there {
            self.set_form(Form::Whole(to));
        }
        is_there
    }
}

/// The device. Only where it `is_swept`, slots are marked as freed: what is not used is not
/// tried in every order.
struct World {
    is_swept: bool,
    rcu: Grace<1>,
    pool: Pool,
    disks: Vec<Disk>,
    bays: Vec<Bay>,
    cluster: Cluster,
}

/// A slot whose object a mover reads.
struct Moving(Offset, Entry);

/// How a move ended: the old entry, which may have readers; or the new one, and the old one
/// when it was left to the mover.
enum Moved {
    Done(Entry),
    TooLate(Entry, Entry),
}

/// Where a drain moves pages to.
#[derive(Clone, Copy)]
enum To {
    Ram,
    Disk(usize),
}

fn offsets() -> impl Iterator<Item = Offset> {
    (0..SLOTS).filter_map(Offset::new)
}

fn home_cluster() -> PhysicalCluster {
    PhysicalCluster::new(0).unwrap()
}

fn number(disk: usize) -> DiskNumber {
    DiskNumber::new(disk).unwrap()
}

fn home_on(disk: usize) -> Home {
    Home {
        disk: number(disk),
        cluster: home_cluster(),
    }
}

impl World {
    /// A cluster of that form, or with an empty table, and a disk in each bay.
    fn new(objects: usize, disks: usize, form: Form) -> Self {
        Self {
            is_swept: false,
            rcu: Grace::new(),
            pool: Pool::new(objects),
            disks: (0..disks).map(|_| Disk::new(None)).collect(),
            bays: (0..disks)
                .map(|index| Bay {
                    disk: AtomicUsize::new(index + 1),
                    srcu: Grace::new(),
                })
                .collect(),
            cluster: Cluster::new(form),
        }
    }

    fn enter(&self, me: usize, number: DiskNumber) -> Option<Entered<'_>> {
        let bay = &self.bays[number.index()];
        if bay.disk.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let section = bay.srcu.enter(me, 0);
        let index = bay.disk.load(Ordering::Acquire).checked_sub(1)?;
        Some(Entered {
            number,
            bay,
            disk: &self.disks[index],
            me,
            depth: 0,
            section: Some(section),
        })
    }

    /// `Device::release`; the caller is an RCU reader. A bad slot stays in use for ever.
    fn release(&self, entry: Entry, bad: Option<Place>) {
        match entry.content() {
            Some(Content::Disk(place)) if bad != Some(place) => {
                let bay = &self.bays[place.disk.index()];
                if let Some(index) = bay.disk.load(Ordering::Acquire).checked_sub(1) {
                    self.disks[index].free(place.slot);
                }
            }
            _ => self.pool.free(entry),
        }
    }

    /// `Device::put`.
    fn put(&self, me: usize, slot: Offset, new: Entry, bad: Option<Place>) {
        let _cpu = self.rcu.enter(me, 0);
        let mut locked = self.cluster.lock();
        let old = locked.put(slot, new);
        if self.is_swept && follows(Rule::UnmarkFreed) {
            self.cluster.freed.unmark(slot);
        }
        drop(locked);
        self.release(old, bad);
    }

    /// `Index::mark_freed`.
    fn mark_freed(&self, slot: Offset) {
        if self.cluster.freed.mark(slot) {
            let _locked = self.cluster.lock();
            if self.cluster.freed.note() {
                *self.cluster.noted.lock().unwrap() = true;
            }
        }
    }

    /// `Index::sweep` and `Device::sweep_cluster`.
    fn sweep(&self, me: usize) {
        let cluster = &self.cluster;
        if !*cluster.noted.lock().unwrap() {
            return;
        }
        {
            let _locked = cluster.lock();
            *cluster.noted.lock().unwrap() = false;
            cluster.freed.begin_sweep();
        }
        let _cpu = self.rcu.enter(me, 0);
        let mut locked = cluster.lock();
        let freed = cluster.freed.take(0);
        let swept: Vec<Entry> = match locked.form() {
            Form::Whole(home) => {
                let emptied = cluster.map.clear_bits(&freed);
                locked.occupancy.emptied(emptied.len());
                emptied.map(|offset| home.entry(offset)).collect()
            }
            _ => freed
                .map(|offset| locked.put(offset, Entry::EMPTY))
                .collect(),
        };
        drop(locked);
        for entry in swept {
            self.release(entry, None);
        }
    }

    fn free(&self, me: usize, slot: Offset) {
        self.put(me, slot, Entry::EMPTY, None);
    }

    fn store_in_ram(&self, me: usize, slot: Offset, page: u64) {
        self.put(me, slot, self.pool.store(page), None);
    }

    /// Stores a page on a disk, at the slot's own offset if it `is_home`; in the ram tier when
    /// the disk takes none, or fails to.
    fn store_on_disk(&self, me: usize, slot: Offset, page: u64, disk: usize, is_home: bool) {
        let Some(mut entered) = self.enter(me, number(disk)) else {
            return self.store_in_ram(me, slot, page);
        };
        let claimed = if is_home {
            entered.disk.claim_at(slot)
        } else {
            entered.disk.claim()
        };
        let Some(to) = claimed else {
            drop(entered);
            return self.store_in_ram(me, slot, page);
        };
        if !follows(Rule::WriterStays) {
            entered.section = None;
        }
        let place = Place {
            disk: number(disk),
            slot: to,
        };
        if is_home {
            // `NewHome` becomes a `Run`.
            entered.hand_over();
        }
        self.put(me, slot, Entry::disk(place), None);
        // The bio stays, the run goes.
        entered.hand_over();
        if entered.disk.write(to, page) {
            return;
        }
        // `Device::repair`: the failed extent keeps its section.
        if !follows(Rule::FailedStays) {
            entered.section = None;
        }
        if self.place_of(me, slot) == Some(place) {
            self.put(me, slot, self.pool.store(page), Some(place));
        }
    }

    fn place_of(&self, me: usize, slot: Offset) -> Option<Place> {
        let _reader = self.rcu.enter(me, 0);
        match self.cluster.load(slot).content() {
            Some(Content::Disk(place)) => Some(place),
            _ => None,
        }
    }

    /// `Device::load_page`.
    fn load_page(&self, me: usize, slot: Offset) -> u64 {
        for _ in 0..TRIES {
            let reader = self.rcu.enter(me, 0);
            let entry = self.cluster.load(slot);
            match entry.content().expect("an entry") {
                Content::Same(word) => return word,
                Content::Ram(_) => return self.pool.read(entry),
                Content::Disk(mut place) => {
                    drop(reader);
                    let Some(mut entered) = self.enter(me, place.disk) else {
                        thread::yield_now();
                        continue;
                    };
                    if !follows(Rule::ReaderStays) {
                        entered.section = None;
                    }
                    if follows(Rule::LookAgain) {
                        match self.place_of(me, slot) {
                            Some(now) if now.disk == entered.number => place = now,
                            _ => {
                                drop(entered);
                                thread::yield_now();
                                continue;
                            }
                        }
                    }
                    entered.hand_over();
                    return entered.disk.read(place.slot);
                }
                Content::Empty | Content::Lost => panic!("a page is lost to its reader"),
            }
        }
        panic!("a page lies on a disk that is gone");
    }

    fn start_move(&self, slot: Offset) -> Option<Moving> {
        let mut locked = self.cluster.lock();
        let entry = locked.get(slot);
        let again = (!follows(Rule::OneMover) && entry.is_moving()).then_some(entry);
        let moving = entry.moving().or(again)?;
        if !follows(Rule::Mark) {
            return Some(Moving(slot, entry));
        }
        locked.put(slot, moving);
        Some(Moving(slot, moving))
    }

    fn finish_move(&self, moving: &Moving, new: Entry) -> Moved {
        match self.exchange(moving.0, moving.1, new) {
            // Unmarked, whoever took it out has freed it.
            Moved::TooLate(new, _) if follows(Rule::Mark) => {
                Moved::TooLate(new, moving.1.settled())
            }
            moved => moved,
        }
    }

    fn abandon_move(&self, me: usize, moving: &Moving) {
        let expected = moving.1;
        let kept = {
            let mut locked = self.cluster.lock();
            let kept = locked.get(moving.0) == expected;
            if kept && follows(Rule::Unmark) {
                locked.put(moving.0, expected.settled());
            }
            kept
        };
        if !kept && follows(Rule::Mark) {
            let _cpu = self.rcu.enter(me, 0);
            self.release(expected.settled(), None);
        }
    }

    fn exchange(&self, slot: Offset, expected: Entry, new: Entry) -> Moved {
        let mut locked = self.cluster.lock();
        if follows(Rule::Compare) && locked.get(slot) != expected {
            return Moved::TooLate(new, Entry::EMPTY);
        }
        locked.put(slot, new);
        Moved::Done(expected.settled())
    }

    /// Ends with these pages: no one else does anything any more. Frees them, and looks for
    /// what was lost.
    fn assert_holds(&self, pages: [Option<u64>; SLOTS]) {
        self.sweep(0);
        for (offset, page) in offsets().zip(pages) {
            match page {
                Some(page) => assert_eq!(self.load_page(0, offset), page),
                None => assert!(self.cluster.load(offset).is_empty()),
            }
        }
        for offset in offsets() {
            assert!(!self.cluster.load(offset).is_moving(), "a mark is left");
            self.free(0, offset);
        }
        let free = self.pool.free.lock().unwrap().len();
        assert_eq!(free, self.pool.objects.len(), "an object is lost");
        for bay in &self.bays {
            let Some(index) = bay.disk.load(Ordering::Acquire).checked_sub(1) else {
                continue;
            };
            let disk = &self.disks[index];
            for offset in offsets().filter(|offset| disk.used.test(*offset)) {
                assert_eq!(disk.bad, Some(offset.index()), "a slot is lost");
            }
        }
        let locked = self.cluster.lock();
        assert!(locked.occupancy.is_empty() && !locked.occupancy.has_ram());
        let used = usize::from(matches!(locked.form(), Form::Table(_)));
        let spare = self.cluster.spare.lock().unwrap().len();
        assert_eq!(spare + used, TABLES, "a table is lost");
    }
}

/// A mover, and what it has replaced.
struct Mover<'a> {
    world: &'a World,
    me: usize,
    retired: Vec<Entry>,
    tables: Vec<usize>,
}

impl<'a> Mover<'a> {
    fn new(world: &'a World, me: usize) -> Self {
        Self {
            world,
            me,
            retired: Vec::new(),
            tables: Vec::new(),
        }
    }

    fn release(&self, entry: Entry) {
        let _cpu = self.world.rcu.enter(self.me, 0);
        self.world.release(entry, None);
    }

    fn moved(&mut self, moved: Moved) {
        match moved {
            Moved::Done(old) => self.retired.push(old),
            Moved::TooLate(new, old) => {
                if follows(Rule::GiveBack) {
                    self.release(new);
                }
                self.release(old);
            }
        }
    }

    fn collapse(&mut self) {
        let table = self.world.cluster.lock().collapse();
        self.tables.extend(table);
    }

    fn flush(&mut self) {
        if !follows(Rule::TableGrace) {
            for table in self.tables.drain(..) {
                self.world.cluster.free_table(table);
            }
        }
        if self.retired.is_empty() && self.tables.is_empty() {
            return;
        }
        if follows(Rule::Grace) {
            self.world.rcu.wait();
        }
        for old in core::mem::take(&mut self.retired) {
            self.release(old);
        }
        for table in self.tables.drain(..) {
            self.world.cluster.free_table(table);
        }
    }

    /// `writeback.rs`: to the slot's own offset if it `is_home`, and the cluster collapses then.
    fn write_back(mut self, slot: Offset, disk: usize, is_home: bool) {
        let world = self.world;
        let Some(moving) = world.start_move(slot) else {
            return;
        };
        let page = world.pool.read(moving.1);
        let mut entered = world.enter(self.me, number(disk));
        let claimed = entered.as_ref().and_then(|entered| {
            if is_home {
                entered.disk.claim_at(slot)
            } else {
                entered.disk.claim()
            }
        });
        if let Some(entered) = &mut entered {
            if !follows(Rule::WriterStays) {
                entered.section = None;
            }
            if !is_home {
                // `Stay`, as the run goes.
                entered.hand_over();
            }
        }
        let place = claimed.map(|slot| Place {
            disk: number(disk),
            slot,
        });
        match (place, &entered) {
            (Some(place), Some(entered)) if entered.disk.write(place.slot, page) => {
                let moved = world.finish_move(&moving, Entry::disk(place));
                self.moved(moved);
            }
            (Some(place), _) => {
                let cpu = world.rcu.enter(self.me, 0);
                world.release(Entry::disk(place), Some(place));
                drop(cpu);
                world.abandon_move(self.me, &moving);
            }
            (None, _) => world.abandon_move(self.me, &moving),
        }
        if is_home {
            self.collapse();
        }
        drop(entered);
        self.flush();
    }

    /// `recompress.rs`.
    fn recompress(mut self, slot: Offset) {
        let Some(moving) = self.world.start_move(slot) else {
            return;
        };
        let new = self.world.pool.store(self.world.pool.read(moving.1));
        let moved = self.world.finish_move(&moving, new);
        self.moved(moved);
        self.flush();
    }

    /// `drain.rs`: the disk's pages go elsewhere; then it is gone, or in service again when
    /// that was `cancelled`.
    fn remove(mut self, disk: usize, to: To, cancelled: bool) {
        let world = self.world;
        let bay = &world.bays[disk];
        let index = bay.disk.load(Ordering::Acquire) - 1;
        if follows(Rule::Closed) {
            assert!(world.disks[index].health.start_draining());
        }
        if follows(Rule::WaitFirst) {
            bay.wait();
        }
        let entered = world.enter(self.me, number(disk)).expect("it is there");
        self.drain(&entered, to);
        self.flush();
        drop(entered);
        if cancelled {
            if follows(Rule::WaitForReaders) {
                bay.wait();
            }
            world.disks[index].health.stop_draining();
            return;
        }
        bay.disk.swap(0, Ordering::AcqRel);
        if follows(Rule::ClearWaits) {
            bay.wait();
        }
        if follows(Rule::ClearGrace) {
            world.rcu.wait();
        }
        world.disks[index].gone.set(true);
    }

    fn look(&self, disk: &Entered<'_>) -> Vec<(Offset, Place)> {
        let locked = self.world.cluster.lock();
        let places = offsets().filter_map(|offset| match locked.get(offset).content() {
            Some(Content::Disk(place)) if place.disk == disk.number => Some((offset, place)),
            _ => None,
        });
        places.collect()
    }

    fn drain(&mut self, disk: &Entered<'_>, to: To) {
        let world = self.world;
        let from = match world.cluster.lock().form() {
            Form::Whole(home) if home.disk == disk.number => Some(home),
            _ => None,
        };
        let places = self.look(disk);
        if places.is_empty() {
            return;
        }
        if let (Some(from), To::Disk(to)) = (from, to) {
            if self.rehome(disk, from, to, &places) {
                return;
            }
        }
        for (slot, place) in self.look(disk) {
            let page = disk.disk.read(place.slot);
            let mut entered = match to {
                To::Disk(to) => world.enter(self.me, number(to)),
                To::Ram => None,
            };
            let claimed = entered
                .as_mut()
                .and_then(|entered| Some((entered.disk.claim()?, entered)));
            let new = match claimed {
                Some((slot, entered)) => {
                    entered.hand_over();
                    assert!(entered.disk.write(slot, page));
                    let disk = entered.number;
                    Entry::disk(Place { disk, slot })
                }
                None => world.pool.store(page),
            };
            let moved = world.exchange(slot, Entry::disk(place), new);
            self.moved(moved);
        }
        self.collapse();
    }

    fn rehome(
        &self,
        disk: &Entered<'_>,
        from: Home,
        to: usize,
        places: &[(Offset, Place)],
    ) -> bool {
        let world = self.world;
        let Some(entered) = world.enter(self.me, number(to)) else {
            return false;
        };
        let claims = places
            .iter()
            .map_while(|(offset, _)| entered.disk.claim_at(*offset));
        let claimed: Vec<_> = claims.collect();
        let copied = claimed.len() == places.len();
        if copied {
            for ((_, old), new) in places.iter().zip(&claimed) {
                assert!(entered.disk.write(*new, disk.disk.read(old.slot)));
            }
        }
        let mut used = [false; SLOTS];
        let done = copied && {
            let locked = world.cluster.lock();
            let done = locked.rehome(from, home_on(to));
            for offset in offsets() {
                used[offset.index()] = !locked.get(offset).is_empty();
            }
            done
        };
        for ((offset, old), new) in places.iter().zip(&claimed) {
            let is_used = used[offset.index()] || !follows(Rule::UsedThen);
            let unused = Place {
                disk: entered.number,
                slot: *new,
            };
            self.release(Entry::disk(if done && is_used { *old } else { unused }));
        }
        done
    }
}

/// What a thread of a model does.
type Run = fn(&World, usize);

/// Runs the threads in every order with up to so many preemptions.
///
/// Each of them is the first in turn: of the accesses that a store may race with, loom minds
/// the last one only, so that a thread which looks at a word before it changes it hides who
/// looked before.
fn explore(preemptions: usize, make: fn() -> World, threads: &'static [Run], end: fn(&World)) {
    for first in 0..threads.len() {
        with_preemptions(preemptions, move || {
            let world = Arc::new(make());
            let others: Vec<_> = (0..threads.len())
                .filter(|me| *me != first)
                .map(|me| {
                    let world = world.clone();
                    thread::spawn(move || threads[me](&world, me))
                })
                .collect();
            threads[first](&world, first);
            for other in others {
                other.join().unwrap();
            }
            end(&world);
        });
    }
}

const A: u64 = 1;
const B: u64 = 2;
const C: u64 = 3;

fn first() -> Offset {
    Offset::FIRST
}

fn second() -> Offset {
    Offset::new(1).unwrap()
}

/// The first slot is in the ram tier.
fn in_ram() -> World {
    let world = World::new(3, 1, Form::None);
    world.store_in_ram(0, first(), A);
    world
}

/// The first slot is on the first disk, in a table.
fn on_disk() -> World {
    let world = World::new(2, 2, Form::None);
    world.store_on_disk(0, first(), A, 0, false);
    world
}

/// Both slots are on the first disk, in a whole cluster.
fn whole() -> World {
    let world = World::new(2, 2, Form::Whole(home_on(0)));
    world.store_on_disk(0, first(), A, 0, true);
    world.store_on_disk(0, second(), B, 0, true);
    world
}

/// The first slot is on the first disk at its offset, the second in the ram tier.
fn half_whole() -> World {
    let world = World::new(2, 1, Form::None);
    world.store_on_disk(0, first(), A, 0, true);
    world.store_in_ram(0, second(), B);
    world
}

fn write_back(world: &World, me: usize) {
    Mover::new(world, me).write_back(first(), 0, false);
}

fn recompress(world: &World, me: usize) {
    Mover::new(world, me).recompress(first());
}

fn remove(world: &World, me: usize) {
    Mover::new(world, me).remove(0, To::Ram, false);
}

fn free(world: &World, me: usize) {
    world.free(me, first());
}

fn free_and_store(world: &World, me: usize) {
    world.free(me, first());
    world.store_in_ram(me, first(), B);
}

fn overwrite(world: &World, me: usize) {
    world.store_in_ram(me, first(), B);
}

fn read(world: &World, me: usize) {
    assert_eq!(world.load_page(me, first()), A);
}

fn read_and_free(world: &World, me: usize) {
    read(world, me);
    world.free(me, first());
}

/// Preemptions of two threads.
const MANY: usize = 5;
/// Preemptions of three threads.
const FEW: usize = 2;

mod writeback {
    use super::*;

    #[test]
    fn a_slot_is_freed() {
        explore(MANY, in_ram, &[free, write_back], |world| {
            world.assert_holds([None, None]);
        });
    }

    #[test]
    fn a_slot_is_freed_and_stored_again() {
        explore(MANY, in_ram, &[free_and_store, write_back], |world| {
            world.assert_holds([Some(B), None]);
        });
    }

    #[test]
    fn a_slot_is_overwritten() {
        explore(MANY, in_ram, &[overwrite, write_back], |world| {
            world.assert_holds([Some(B), None]);
        });
    }

    /// What the mover frees is used again by a store to another slot.
    #[test]
    fn a_slot_is_read() {
        explore(
            MANY,
            in_ram,
            &[read, |world, me| {
                write_back(world, me);
                world.store_in_ram(me, second(), B);
            }],
            |world| world.assert_holds([Some(A), Some(B)]),
        );
    }

    #[test]
    fn a_slot_is_read_and_freed() {
        explore(MANY, in_ram, &[read_and_free, write_back], |world| {
            world.assert_holds([None, None]);
        });
    }

    #[test]
    fn a_slot_has_two_writers() {
        explore(MANY, in_ram, &[write_back, write_back], |world| {
            world.assert_holds([Some(A), None]);
        });
    }

    #[test]
    fn a_slot_is_recompressed() {
        explore(MANY, in_ram, &[recompress, write_back], |world| {
            world.assert_holds([Some(A), None]);
        });
    }

    #[test]
    fn a_slot_with_two_movers_is_read() {
        explore(
            FEW,
            in_ram,
            &[read_and_free, write_back, recompress],
            |world| {
                world.assert_holds([None, None]);
            },
        );
    }

    #[test]
    fn a_slot_with_two_movers_is_stored_again() {
        explore(
            FEW,
            in_ram,
            &[free_and_store, write_back, recompress],
            |world| {
                world.assert_holds([Some(B), None]);
            },
        );
    }

    /// The disk takes no page.
    #[test]
    fn a_move_comes_to_nothing() {
        fn bad() -> World {
            let mut world = in_ram();
            for disk in &mut world.disks {
                disk.bad = Some(0);
            }
            world
        }
        explore(MANY, bad, &[free_and_store, write_back], |world| {
            world.assert_holds([Some(B), None]);
        });
        explore(MANY, bad, &[read, write_back], |world| {
            world.assert_holds([Some(A), None]);
        });
    }
}

mod recompression {
    use super::*;

    #[test]
    fn a_slot_is_freed() {
        explore(MANY, in_ram, &[free, recompress], |world| {
            world.assert_holds([None, None]);
        });
    }

    #[test]
    fn a_slot_is_overwritten() {
        explore(MANY, in_ram, &[overwrite, recompress], |world| {
            world.assert_holds([Some(B), None]);
        });
    }

    #[test]
    fn a_slot_is_freed_and_stored_again() {
        explore(MANY, in_ram, &[free_and_store, recompress], |world| {
            world.assert_holds([Some(B), None]);
        });
    }

    #[test]
    fn a_slot_is_read() {
        explore(
            MANY,
            in_ram,
            &[read, |world, me| {
                recompress(world, me);
                world.store_in_ram(me, second(), B);
            }],
            |world| world.assert_holds([Some(A), Some(B)]),
        );
    }
}

mod drain {
    use super::*;

    #[test]
    fn a_slot_is_read_while_its_disk_goes() {
        explore(MANY, on_disk, &[read, remove], |world| {
            world.assert_holds([Some(A), None]);
        });
    }

    #[test]
    fn a_slot_is_read_while_its_page_goes_to_another_disk() {
        explore(
            MANY,
            on_disk,
            &[read_and_free, |world, me| {
                Mover::new(world, me).remove(0, To::Disk(1), false);
            }],
            |world| world.assert_holds([None, None]),
        );
    }

    /// The place that was drained is used again when the disk is in service again.
    #[test]
    fn a_slot_is_read_while_its_place_is_used_again() {
        explore(
            MANY,
            on_disk,
            &[read, |world, me| {
                Mover::new(world, me).remove(0, To::Ram, true);
                world.store_on_disk(me, second(), B, 0, false);
            }],
            |world| world.assert_holds([Some(A), Some(B)]),
        );
    }

    /// The same with a store that does not wait for the drain.
    #[test]
    fn a_slot_is_read_while_another_is_stored() {
        explore(
            FEW,
            on_disk,
            &[
                read,
                |world, me| Mover::new(world, me).remove(0, To::Ram, true),
                |world, me| world.store_on_disk(me, second(), B, 0, false),
            ],
            |world| world.assert_holds([Some(A), Some(B)]),
        );
    }

    #[test]
    fn a_slot_is_freed_while_its_disk_goes() {
        explore(MANY, on_disk, &[free, remove], |world| {
            world.assert_holds([None, None]);
        });
    }

    #[test]
    fn a_slot_is_freed_and_stored_again() {
        explore(
            MANY,
            on_disk,
            &[
                |world, me| {
                    world.free(me, first());
                    world.store_on_disk(me, first(), B, 0, false);
                },
                |world, me| Mover::new(world, me).remove(0, To::Ram, true),
            ],
            |world| world.assert_holds([Some(B), None]),
        );
    }

    #[test]
    fn a_slot_is_freed_and_stored_elsewhere() {
        explore(
            MANY,
            on_disk,
            &[
                |world, me| {
                    world.free(me, first());
                    world.store_on_disk(me, first(), B, 1, false);
                },
                |world, me| Mover::new(world, me).remove(0, To::Disk(1), false),
            ],
            |world| world.assert_holds([Some(B), None]),
        );
    }

    #[test]
    fn a_slot_is_overwritten_while_its_disk_goes() {
        explore(
            MANY,
            on_disk,
            &[
                |world, me| world.store_on_disk(me, first(), B, 0, false),
                remove,
            ],
            |world| world.assert_holds([Some(B), None]),
        );
    }

    /// The entry is in the table before the page is written.
    #[test]
    fn a_slot_is_stored_while_the_disk_goes() {
        explore(
            MANY,
            || World::new(2, 1, Form::None),
            &[
                |world, me| {
                    world.store_on_disk(me, first(), A, 0, false);
                    read(world, me);
                },
                remove,
            ],
            |world| world.assert_holds([Some(A), None]),
        );
    }

    #[test]
    fn a_slot_is_written_back_while_the_disk_goes() {
        explore(MANY, in_ram, &[remove, write_back], |world| {
            world.assert_holds([Some(A), None]);
        });
    }

    #[test]
    fn a_slot_is_written_back_and_freed_while_the_disk_goes() {
        explore(FEW, in_ram, &[free, remove, write_back], |world| {
            world.assert_holds([None, None]);
        });
    }

    /// What goes to the other disk has to go on.
    #[test]
    fn a_slot_is_read_while_both_disks_go() {
        fn to_the_other(world: &World, me: usize) {
            Mover::new(world, me).remove(0, To::Disk(1), false);
        }
        fn the_other(world: &World, me: usize) {
            Mover::new(world, me).remove(1, To::Ram, false);
        }
        explore(FEW, on_disk, &[read, to_the_other, the_other], |world| {
            world.assert_holds([Some(A), None]);
        });
        explore(FEW, on_disk, &[free, to_the_other, the_other], |world| {
            world.assert_holds([None, None]);
        });
    }

    /// What goes to the ram tier is written back to the other disk.
    #[test]
    fn a_slot_is_read_while_its_page_is_moved_twice() {
        explore(
            FEW,
            on_disk,
            &[read_and_free, remove, |world, me| {
                Mover::new(world, me).write_back(first(), 1, false);
            }],
            |world| world.assert_holds([None, None]),
        );
    }

    /// What goes to the ram tier is compressed anew there.
    #[test]
    fn a_slot_is_read_while_its_page_is_moved_and_recompressed() {
        fn on_disk_with_room() -> World {
            let world = World::new(3, 1, Form::None);
            world.store_on_disk(0, first(), A, 0, false);
            world
        }
        explore(
            FEW,
            on_disk_with_room,
            &[read_and_free, remove, recompress],
            |world| world.assert_holds([None, None]),
        );
    }

    /// Another disk gets the bay: what is freed was never one of its slots.
    #[test]
    fn a_slot_is_freed_while_another_disk_comes() {
        explore(
            MANY,
            || {
                let mut world = on_disk();
                world.bays.pop();
                world
            },
            &[free, |world, me| {
                remove(world, me);
                world.bays[0].disk.swap(2, Ordering::AcqRel);
                world.store_on_disk(me, second(), B, 0, false);
            }],
            |world| world.assert_holds([None, Some(B)]),
        );
    }

    #[test]
    fn a_slot_is_read_while_another_disk_comes() {
        explore(
            MANY,
            || {
                let mut world = on_disk();
                world.bays.pop();
                world
            },
            &[read, |world, me| {
                remove(world, me);
                world.bays[0].disk.swap(2, Ordering::AcqRel);
                world.store_on_disk(me, second(), B, 0, false);
                write_back(world, me);
            }],
            |world| world.assert_holds([Some(A), Some(B)]),
        );
    }
}

mod forms {
    use super::*;

    #[test]
    fn a_slot_is_read_while_its_cluster_spreads() {
        explore(
            MANY,
            whole,
            &[read, |world, me| world.store_in_ram(me, second(), C)],
            |world| world.assert_holds([Some(A), Some(C)]),
        );
    }

    #[test]
    fn a_slot_is_read_while_its_cluster_collapses() {
        explore(
            MANY,
            half_whole,
            &[read, |world, me| {
                Mover::new(world, me).write_back(second(), 0, true);
            }],
            |world| world.assert_holds([Some(A), Some(B)]),
        );
    }

    #[test]
    fn another_slot_is_recompressed_while_a_cluster_collapses() {
        fn with_room() -> World {
            let world = World::new(3, 1, Form::None);
            world.store_on_disk(0, first(), A, 0, true);
            world.store_in_ram(0, second(), B);
            world
        }
        explore(
            MANY,
            with_room,
            &[
                |world, me| Mover::new(world, me).recompress(second()),
                |world, me| Mover::new(world, me).write_back(second(), 0, true),
            ],
            |world| world.assert_holds([Some(A), Some(B)]),
        );
    }

    /// The table that is left is used again.
    #[test]
    fn a_slot_is_read_while_its_cluster_collapses_and_spreads() {
        explore(
            MANY,
            half_whole,
            &[read, |world, me| {
                Mover::new(world, me).write_back(second(), 0, true);
                world.store_in_ram(me, second(), C);
            }],
            |world| world.assert_holds([Some(A), Some(C)]),
        );
    }

    #[test]
    fn a_slot_is_read_while_its_cluster_spreads_and_collapses() {
        explore(
            MANY,
            whole,
            &[read, |world, me| {
                world.store_in_ram(me, second(), C);
                world.free(me, second());
                let mut mover = Mover::new(world, me);
                mover.collapse();
                mover.flush();
            }],
            |world| world.assert_holds([Some(A), None]),
        );
    }

    /// The slot came when the map already was left over.
    #[test]
    fn a_slot_of_a_table_is_read_while_its_cluster_collapses() {
        explore(
            MANY,
            || {
                let world = World::new(2, 1, Form::Whole(home_on(0)));
                world.store_on_disk(0, second(), B, 0, true);
                world.store_in_ram(0, second(), C);
                world.store_on_disk(0, first(), A, 0, true);
                world
            },
            &[read, |world, me| {
                world.free(me, second());
                let mut mover = Mover::new(world, me);
                mover.collapse();
                mover.flush();
            }],
            |world| world.assert_holds([Some(A), None]),
        );
    }

    #[test]
    fn another_slot_is_freed_while_a_cluster_collapses() {
        explore(
            MANY,
            half_whole,
            &[
                |world, me| {
                    world.free(me, first());
                    world.store_on_disk(me, first(), C, 0, true);
                },
                |world, me| Mover::new(world, me).write_back(second(), 0, true),
            ],
            |world| world.assert_holds([Some(C), Some(B)]),
        );
    }

    #[test]
    fn a_slot_is_read_while_its_cluster_gets_another_home() {
        explore(
            MANY,
            whole,
            &[read, |world, me| {
                Mover::new(world, me).remove(0, To::Disk(1), false);
            }],
            |world| world.assert_holds([Some(A), Some(B)]),
        );
    }

    /// The old home is used again.
    #[test]
    fn a_slot_is_read_while_its_old_home_is_used_again() {
        explore(
            MANY,
            whole,
            &[read, |world, me| {
                Mover::new(world, me).remove(0, To::Disk(1), true);
                world.store_on_disk(me, second(), C, 0, false);
            }],
            |world| world.assert_holds([Some(A), Some(C)]),
        );
    }

    #[test]
    fn a_slot_is_freed_while_its_cluster_gets_another_home() {
        explore(
            MANY,
            whole,
            &[free, |world, me| {
                Mover::new(world, me).remove(0, To::Disk(1), true);
            }],
            |world| world.assert_holds([None, Some(B)]),
        );
    }

    #[test]
    fn a_slot_is_stored_again_while_its_cluster_gets_another_home() {
        explore(
            MANY,
            whole,
            &[free_and_store, |world, me| {
                Mover::new(world, me).remove(0, To::Disk(1), false);
            }],
            |world| world.assert_holds([Some(B), Some(B)]),
        );
    }

    /// Stored at home, before the disk is closed or elsewhere then.
    #[test]
    fn a_slot_is_stored_at_home_while_its_cluster_gets_another() {
        explore(
            MANY,
            || {
                let world = whole();
                world.free(0, first());
                world
            },
            &[
                |world, me| {
                    world.store_on_disk(me, first(), C, 0, true);
                    assert_eq!(world.load_page(me, first()), C);
                },
                |world, me| Mover::new(world, me).remove(0, To::Disk(1), false),
            ],
            |world| world.assert_holds([Some(C), Some(B)]),
        );
    }

    #[test]
    fn a_slot_is_read_while_the_other_home_goes() {
        explore(
            FEW,
            whole,
            &[
                read,
                |world, me| Mover::new(world, me).remove(0, To::Disk(1), false),
                |world, me| Mover::new(world, me).remove(1, To::Ram, false),
            ],
            |world| world.assert_holds([Some(A), Some(B)]),
        );
    }

    /// Page by page, as there is no other home.
    #[test]
    fn a_slot_is_read_while_its_cluster_is_drained() {
        explore(
            MANY,
            whole,
            &[read, |world, me| {
                Mover::new(world, me).remove(0, To::Ram, true);
                world.store_on_disk(me, second(), C, 0, false);
            }],
            |world| world.assert_holds([Some(A), Some(C)]),
        );
    }

    #[test]
    fn a_slot_is_freed_and_read_while_its_cluster_gets_another_home() {
        explore(
            FEW,
            whole,
            &[
                read,
                |world, me| Mover::new(world, me).remove(0, To::Disk(1), false),
                |world, me| {
                    world.free(me, second());
                    world.store_in_ram(me, second(), C);
                },
            ],
            |world| world.assert_holds([Some(A), Some(C)]),
        );
    }
}

/// Slots are marked as freed, and a sweep gives back what they held.
mod sweep {
    use super::*;

    fn swept(mut world: World) -> World {
        world.is_swept = true;
        world
    }

    fn mark_and_sweep(world: &World, me: usize) {
        world.mark_freed(first());
        world.sweep(me);
    }

    fn mark_and_store(world: &World, me: usize) {
        world.mark_freed(first());
        world.store_in_ram(me, first(), C);
        assert_eq!(world.load_page(me, first()), C);
    }

    fn sweep(world: &World, me: usize) {
        world.sweep(me);
    }

    fn rehome(world: &World, me: usize) {
        Mover::new(world, me).remove(0, To::Disk(1), true);
    }

    fn collapse(world: &World, me: usize) {
        Mover::new(world, me).write_back(second(), 0, true);
    }

    fn spread(world: &World, me: usize) {
        world.store_in_ram(me, second(), C);
    }

    #[test]
    fn a_slot_is_swept_while_it_is_written_back() {
        explore(
            MANY,
            || swept(in_ram()),
            &[mark_and_sweep, write_back],
            |world| world.assert_holds([None, None]),
        );
    }

    #[test]
    fn a_slot_is_swept_while_it_is_recompressed() {
        explore(
            MANY,
            || swept(in_ram()),
            &[mark_and_sweep, recompress],
            |world| world.assert_holds([None, None]),
        );
    }

    #[test]
    fn a_slot_is_swept_while_its_disk_goes() {
        explore(
            MANY,
            || swept(on_disk()),
            &[mark_and_sweep, remove],
            |world| world.assert_holds([None, None]),
        );
    }

    #[test]
    fn a_slot_is_swept_while_its_cluster_gets_another_home() {
        explore(
            MANY,
            || swept(whole()),
            &[mark_and_sweep, rehome],
            |world| world.assert_holds([None, Some(B)]),
        );
    }

    #[test]
    fn a_slot_is_swept_while_its_cluster_collapses() {
        explore(
            MANY,
            || swept(half_whole()),
            &[mark_and_sweep, collapse],
            |world| world.assert_holds([None, Some(B)]),
        );
    }

    #[test]
    fn a_slot_is_swept_while_its_cluster_spreads() {
        explore(
            MANY,
            || swept(whole()),
            &[mark_and_sweep, spread],
            |world| world.assert_holds([None, Some(C)]),
        );
    }

    /// A page that its disk did not take spreads the cluster.
    #[test]
    fn another_slot_is_swept_while_a_page_is_not_written() {
        explore(
            MANY,
            || {
                let mut world = World::new(2, 2, Form::Whole(home_on(0)));
                world.disks[0].bad = Some(1);
                world.store_on_disk(0, first(), A, 0, true);
                swept(world)
            },
            &[mark_and_sweep, |world, me| {
                world.store_on_disk(me, second(), B, 0, true);
            }],
            |world| world.assert_holds([None, Some(B)]),
        );
    }

    #[test]
    fn a_slot_is_read_while_another_is_swept() {
        explore(
            MANY,
            || swept(whole()),
            &[mark_and_sweep, |world, me| {
                assert_eq!(world.load_page(me, second()), B);
            }],
            |world| world.assert_holds([None, Some(B)]),
        );
    }

    #[test]
    fn a_slot_is_stored_again_while_it_is_swept_and_written_back() {
        explore(
            FEW,
            || swept(in_ram()),
            &[mark_and_store, sweep, write_back],
            |world| world.assert_holds([Some(C), None]),
        );
    }

    #[test]
    fn a_slot_is_stored_again_while_it_is_swept_and_recompressed() {
        explore(
            FEW,
            || swept(World::new(4, 1, Form::None)),
            &[
                |world, me| {
                    world.store_in_ram(me, first(), A);
                    mark_and_store(world, me);
                },
                sweep,
                recompress,
            ],
            |world| world.assert_holds([Some(C), None]),
        );
    }

    #[test]
    fn a_slot_is_stored_again_while_it_is_swept_and_its_disk_goes() {
        explore(
            FEW,
            || swept(on_disk()),
            &[mark_and_store, sweep, remove],
            |world| world.assert_holds([Some(C), None]),
        );
    }

    #[test]
    fn a_slot_is_stored_again_while_it_is_swept_and_its_cluster_gets_another_home() {
        explore(
            FEW,
            || {
                let mut world = swept(whole());
                world.pool = Pool::new(4);
                world
            },
            &[mark_and_store, sweep, rehome],
            |world| world.assert_holds([Some(C), Some(B)]),
        );
    }
}

mod repair {
    use super::*;

    fn bad() -> World {
        let mut world = World::new(2, 2, Form::None);
        world.disks[0].bad = Some(0);
        world
    }

    /// The cluster is whole, and the first slot of its home is bad.
    fn bad_whole() -> World {
        let mut world = World::new(2, 2, Form::Whole(home_on(0)));
        world.disks[0].bad = Some(0);
        world.store_on_disk(0, second(), B, 0, true);
        world
    }

    fn store(world: &World, me: usize) {
        world.store_on_disk(me, first(), A, 0, true);
        read(world, me);
    }

    #[test]
    fn a_page_is_not_written_while_its_disk_goes() {
        explore(MANY, bad, &[store, remove], |world| {
            world.assert_holds([Some(A), None]);
        });
        explore(
            MANY,
            bad,
            &[store, |world, me| {
                Mover::new(world, me).remove(0, To::Disk(1), true);
            }],
            |world| world.assert_holds([Some(A), None]),
        );
    }

    #[test]
    fn a_page_of_a_whole_cluster_is_not_written_while_its_disk_goes() {
        explore(
            MANY,
            bad_whole,
            &[store, |world, me| {
                Mover::new(world, me).remove(0, To::Disk(1), false);
            }],
            |world| world.assert_holds([Some(A), Some(B)]),
        );
    }

    /// So many pages fail that they can't be told apart: their slots are freed, and nothing
    /// stays in the bay until then.
    #[test]
    fn a_page_is_given_up_while_its_disk_goes() {
        explore(
            MANY,
            bad,
            &[
                |world, me| {
                    let entered = world.enter(me, number(0)).filter(|e| e.disk.is_active());
                    let slot = entered.as_ref().and_then(|e| e.disk.claim());
                    let (Some(entered), Some(slot)) = (entered, slot) else {
                        return;
                    };
                    let disk = number(0);
                    world.put(me, first(), Entry::disk(Place { disk, slot }), None);
                    assert!(!entered.disk.write(slot, A));
                    drop(entered);
                    world.free(me, first());
                },
                |world, me| Mover::new(world, me).remove(0, To::Disk(1), false),
            ],
            |world| world.assert_holds([None, None]),
        );
    }

    /// The other slot goes to the disk, and the cluster is whole for a moment.
    #[test]
    fn a_page_is_not_written_while_its_cluster_collapses() {
        explore(
            MANY,
            || {
                let world = bad();
                world.store_in_ram(0, second(), B);
                world
            },
            &[store, |world, me| {
                Mover::new(world, me).write_back(second(), 0, true);
            }],
            |world| world.assert_holds([Some(A), Some(B)]),
        );
    }

    /// Another slot is read while the failed page spreads the cluster.
    #[test]
    fn another_slot_is_read_while_a_page_is_not_written() {
        explore(
            MANY,
            bad_whole,
            &[store, |world, me| {
                assert_eq!(world.load_page(me, second()), B);
            }],
            |world| world.assert_holds([Some(A), Some(B)]),
        );
    }
}

/// Each rule with a model that fails without it. Models fail in processes of their own: a model
/// that has failed is not left behind in order.
#[test]
fn every_rule_is_needed() {
    use Rule::*;
    let needed = [
        (Mark, "writeback::a_slot_is_freed"),
        (Mark, "writeback::a_slot_is_freed_and_stored_again"),
        (LeftToMover, "writeback::a_slot_is_freed"),
        (OneMover, "writeback::a_slot_has_two_writers"),
        (OneMover, "writeback::a_slot_is_recompressed"),
        (Compare, "writeback::a_slot_is_freed_and_stored_again"),
        (Compare, "writeback::a_slot_is_overwritten"),
        (Compare, "drain::a_slot_is_freed_and_stored_elsewhere"),
        (Grace, "writeback::a_slot_is_read"),
        (Grace, "recompression::a_slot_is_read"),
        (
            TableGrace,
            "forms::a_slot_is_read_while_its_cluster_collapses",
        ),
        (ReaderStays, "drain::a_slot_is_read_while_its_disk_goes"),
        (
            ReaderStays,
            "drain::a_slot_is_read_while_its_place_is_used_again",
        ),
        (
            LookAgain,
            "drain::a_slot_is_read_while_its_place_is_used_again",
        ),
        (
            LookAgain,
            "forms::a_slot_is_read_while_its_old_home_is_used_again",
        ),
        (LookAgain, "drain::a_slot_is_read_while_another_disk_comes"),
        (WriterStays, "drain::a_slot_is_stored_while_the_disk_goes"),
        (
            WriterStays,
            "drain::a_slot_is_written_back_while_the_disk_goes",
        ),
        (
            FailedStays,
            "repair::a_page_is_not_written_while_its_disk_goes",
        ),
        (Closed, "drain::a_slot_is_stored_while_the_disk_goes"),
        (Closed, "drain::a_slot_is_freed_and_stored_again"),
        (WaitFirst, "drain::a_slot_is_stored_while_the_disk_goes"),
        (
            WaitFirst,
            "drain::a_slot_is_written_back_while_the_disk_goes",
        ),
        (WaitForInner, "drain::a_slot_is_stored_while_the_disk_goes"),
        (
            WaitForInner,
            "drain::a_slot_is_written_back_while_the_disk_goes",
        ),
        (WaitForInner, "drain::a_slot_is_read_while_its_disk_goes"),
        (
            WaitForInner,
            "drain::a_slot_is_read_while_its_place_is_used_again",
        ),
        (
            WaitForInner,
            "repair::a_page_is_not_written_while_its_disk_goes",
        ),
        (
            WaitForInner,
            "forms::a_slot_is_stored_at_home_while_its_cluster_gets_another",
        ),
        (
            WaitForReaders,
            "drain::a_slot_is_read_while_its_place_is_used_again",
        ),
        (
            WaitForReaders,
            "drain::a_slot_is_read_while_another_is_stored",
        ),
        (ClearWaits, "drain::a_slot_is_read_while_its_disk_goes"),
        (ClearGrace, "drain::a_slot_is_freed_while_its_disk_goes"),
        (
            ClearGrace,
            "drain::a_slot_is_freed_while_another_disk_comes",
        ),
        (GiveBack, "writeback::a_slot_is_freed"),
        (GiveBack, "drain::a_slot_is_freed_while_its_disk_goes"),
        (Unmark, "writeback::a_move_comes_to_nothing"),
        (FillFirst, "forms::a_slot_is_read_while_its_cluster_spreads"),
        (KeepMap, "forms::a_slot_is_read_while_its_cluster_spreads"),
        (
            MapFirst,
            "forms::a_slot_of_a_table_is_read_while_its_cluster_collapses",
        ),
        (
            CompareHome,
            "forms::a_slot_is_stored_again_while_its_cluster_gets_another_home",
        ),
        (
            UsedThen,
            "forms::a_slot_is_freed_while_its_cluster_gets_another_home",
        ),
        (
            UsedThen,
            "sweep::a_slot_is_swept_while_its_cluster_gets_another_home",
        ),
        (
            LeftToMover,
            "sweep::a_slot_is_swept_while_it_is_written_back",
        ),
        (Mark, "sweep::a_slot_is_swept_while_it_is_recompressed"),
        (ClearGrace, "sweep::a_slot_is_swept_while_its_disk_goes"),
        (GiveBack, "sweep::a_slot_is_swept_while_its_disk_goes"),
        (
            UnmarkFreed,
            "sweep::a_slot_is_stored_again_while_it_is_swept_and_written_back",
        ),
    ];
    let this = this_module();
    let program = env::current_exe().unwrap();
    for (rule, model) in needed {
        let run = Command::new(&program)
            .args(["--exact", &format!("{this}::{model}"), "--nocapture"])
            .env(WITHOUT, format!("{rule:?}"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&run.stdout);
        assert!(said.contains("running 1 test"), "{model}: there is none");
        assert!(!run.status.success(), "{model} holds without {rule:?}");
    }
}

/// This module, as the test runner names it.
fn this_module() -> &'static str {
    module_path!().split_once("::").unwrap().1
}
