// SPDX-License-Identifier: GPL-2.0-only

//! A swap device: what happens when the swap core writes, reads and frees slots.
//!
//! The swap core has a slot pinned while it does one of these to it, so no two of them run on
//! one slot at a time; on different slots, all of them do. Movers give a slot another entry at
//! any time.

use crate::contexts::{Contexts, Lazy};
use crate::disk::Allocating;
use crate::disks::{Disks, Run};
use crate::engine::asked::Asked;
use crate::engine::budget::Budget;
use crate::engine::codec::Algorithm;
use crate::engine::config::{RamLimit, Size};
use crate::engine::counters::{self, Counter};
use crate::engine::entry::{Content, Place};
use crate::engine::form::Home;
use crate::engine::page::PAGE_SIZE;
use crate::engine::patience::Patience;
use crate::engine::same;
use crate::engine::slot::ClusterNumber;
use crate::engine::traffic::{self, Direction, Totals, Traffic};
use crate::free_slots::FreeSlots;
use crate::glue::call::{Call, CallPage, Load, Pages, Store};
use crate::glue::clock;
use crate::glue::cluster::{CLUSTER_BYTES, TABLE_BYTES};
use crate::glue::cpu::{PerCpu, Pinned};
use crate::glue::held::{HeldContent, Owned, PinnedSlot};
use crate::glue::index::{Found, Index, Preference};
use crate::glue::rcu::Reader;
use crate::glue::swap_area::{self, Kind};
use crate::glue::trace;
use crate::glue::transfer::{Failed, Reserves};
use crate::glue::wait::{Progress, WaitQueue};
use crate::ram::{Incompressible, Ram};
use crate::sweep::Pending;
use crate::tally::Tally;
use crate::watch::Leftovers;
use core::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use kernel::pr_err_once;
use kernel::prelude::*;
use kernel::sync::Arc;

/// How often a page that disks fail to take is stored elsewhere before it stays in memory.
const RETRIES: usize = 4;

/// How long a repair waits for a disk, in milliseconds.
const REPAIR_MS: u32 = 1000;

/// How often a page is looked up that is being moved about: each time means that a mover was
/// faster, or that a context had to be waited for.
const LOOKS: usize = 1000;

/// The device: a virtual size, the index of what is stored, and the tiers that hold it.
#[pin_data(PinnedDrop)]
pub(crate) struct Device {
    size: AtomicU64,
    contexts: Contexts,
    counters: PerCpu<counters::PerCpu>,
    ram: Ram,
    reserves: Reserves,
    /// Those of loads, which none of the writes that are under way can use up.
    loads: Reserves,
    /// Those of repairs, which have requests of the others in their hands. There is one repair
    /// at a time.
    repairs: Reserves,
    budget: Budget,
    /// Where writeback waits until it is wanted.
    #[pin]
    pub(crate) bell: WaitQueue,
    /// How far writeback has got, for stores that wait for room.
    #[pin]
    pub(crate) progress: Progress,
    /// How long tasks have waited for it of late.
    pub(crate) patience: Patience,
    /// Pages of the ram tier that writeback was asked for, whatever the watermarks say.
    pub(crate) asked: Asked,
    /// Up to which of the pages that were read from disks that was seen to.
    pub(crate) seen_loads: AtomicUsize,
    /// Until when writeback rests, as it could do nothing, in seconds.
    resting: AtomicU32,
    /// Slots that wait for a sweep.
    #[pin]
    pub(crate) pending: Pending,
    #[pin]
    index: Index,
    // After the index, whose entries speak of them.
    disks: Disks,
    /// What movers have left under way.
    pub(crate) leftovers: Leftovers,
    /// Which free slots the swap core counts.
    #[pin]
    pub(crate) free_slots: FreeSlots,
}

/// A page that did not find room in any tier is given back: `ENOSPC`, or `ENOMEM`.
type Stored<'a> = Result<(), (Error, CallPage<'a, Store>)>;

impl Device {
    /// The device's number: there is one.
    pub(crate) const NUMBER: u8 = 0;

    /// An empty device. May sleep.
    pub(crate) fn new(size: Size, limit: RamLimit) -> Result<Arc<Self>> {
        Arc::pin_init(
            try_pin_init!(Self {
                size: AtomicU64::new(size.bytes()),
                contexts: Contexts::new()?,
                counters: PerCpu::new()?,
                ram: Ram::new(limit)?,
                reserves: Reserves::new()?,
                loads: Reserves::new()?,
                repairs: Reserves::new()?,
                budget: Budget::default(),
                bell <- WaitQueue::new(),
                progress <- Progress::new(),
                patience: Patience::default(),
                asked: Asked::default(),
                seen_loads: AtomicUsize::new(0),
                resting: AtomicU32::new(0),
                pending <- Pending::new(),
                index <- Index::new(),
                disks: Disks::new()?,
                leftovers: Leftovers::new()?,
                free_slots <- FreeSlots::new(),
            }),
            GFP_KERNEL,
        )
    }

    /// Stores folios' pages in their slots. On an error none of those slots holds anything: the
    /// folios stay in memory, and no older copy of them is ever read.
    pub(crate) fn store(&self, call: &mut Call<Store>) -> Result {
        let mut context = Lazy::new(&self.contexts);
        let result = Storing::new(self, call.pages(), &mut context).run();
        drop(context);
        if result == Err(ENOSPC) {
            self.found_no_room();
        }
        if result.is_err() && !call.is_under_way() {
            self.undo(call, &[]);
        }
        if self.ram.is_used() && !self.disks.are_none() && self.ram.is_above_high() {
            self.bell.wake();
        }
        result
    }

    /// Whether writeback rests, as it could do nothing.
    pub(crate) fn is_writeback_resting(&self) -> bool {
        clock::seconds() < self.resting.load(Ordering::Relaxed)
    }

    /// Has writeback rest for so many seconds; 0 ends that.
    pub(crate) fn rest_writeback(&self, seconds: u32) {
        let until = clock::seconds().saturating_add(seconds);
        self.resting.store(until, Ordering::Relaxed);
    }

    /// Tiers were added or taken away, or have another size: what follows from them does again.
    pub(crate) fn tiers_changed(&self) {
        self.free_slots.set_kind(self.kind());
        self.begin_writeback();
    }

    /// Something was changed after which writeback may be wanted, or possible: it looks.
    pub(crate) fn begin_writeback(&self) {
        self.rest_writeback(0);
        self.bell.wake();
        self.look_for_room();
    }

    /// Stores those pages of a call again that disks failed to take, when the others have got
    /// where they are to lie; or none of the call, if that has failed otherwise: `result`. A disk
    /// that does not answer is not waited for: when it does, and fails, there is another repair.
    pub(crate) fn repair(&self, call: &mut Call<Store>, result: Result, failed: &Failed) -> Result {
        if result.is_err() {
            self.undo(call, &[failed]);
            return result;
        }
        let mut latest = None;
        for _ in 0..RETRIES {
            let bad = latest.as_ref().unwrap_or(failed);
            let sent = self.send_again(call, bad);
            let again = call.wait(REPAIR_MS);
            if call.is_under_way() {
                if sent.is_err() {
                    self.give_up(call, bad);
                }
                // The rest is undone when that has ended.
                return sent;
            }
            if sent.is_err() {
                match &again {
                    Some(again) => self.undo(call, &[bad, again]),
                    None => self.undo(call, &[bad]),
                }
                return sent;
            }
            if again.as_ref().is_none_or(Failed::is_none) {
                return Ok(());
            }
            latest = again;
        }
        self.undo(call, &[latest.as_ref().unwrap_or(failed)]);
        Err(EIO)
    }

    /// Frees those slots of a call whose pages failed to get where they are to lie, while others of
    /// the call are under way.
    #[cold]
    #[inline(never)]
    fn give_up(&self, call: &mut Call<Store>, bad: &Failed) {
        for page in call.pages().filter_map(Result::ok) {
            if self.place_of(page.slot()).is_some_and(|p| bad.has(p)) {
                self.empty(&Pinned::new(), page.slot(), &[bad]);
            }
        }
    }

    /// Sends those pages of a call elsewhere that failed to get where they are to lie. `EIO`: no
    /// page is one of them.
    #[inline(never)]
    fn send_again(&self, call: &mut Call<Store>, bad: &Failed) -> Result {
        let mut context = Lazy::new(&self.contexts);
        let mut result = Err(EIO);
        for page in call.pages() {
            let page = page?;
            if !self.place_of(page.slot()).is_some_and(|p| bad.has(p)) {
                continue;
            }
            self.tally(&Pinned::new()).count(Counter::RetriedPages, 1);
            result = Ok(());
            if self.ram.is_used() && !self.ram.is_full() {
                let entry = self
                    .ram
                    .store(page.contents(), context.get()?)
                    .unwrap_or_else(|Incompressible| self.ram.store_raw(page.contents()));
                if let Ok(entry) = entry {
                    self.put(page.slot(), entry, &[bad])?;
                    continue;
                }
            }
            context.give_back();
            let run = self
                .disks
                .allocate_rather(&Allocating::Store(&Pinned::new()), |disk| !bad.is_of(disk));
            self.send(&self.repairs, page, &mut run.ok_or(ENOSPC)?, &[bad])
                .map_err(|(error, _)| error)?;
        }
        result
    }

    /// Frees all slots of a call of which a page could not be stored. Nothing of it is under
    /// way.
    fn undo(&self, call: &mut Call<Store>, bad: &[&Failed]) {
        for page in call.pages().flatten() {
            let cpu = Pinned::new();
            self.empty(&cpu, page.slot(), bad);
            self.tally(&cpu).count(Counter::FailedStores, 1);
            trace::store_failed(page.slot().slot());
        }
    }

    /// Reads slots into a folio's pages. `EIO`: a slot holds nothing, or nothing that can be
    /// read.
    pub(crate) fn load(&self, call: &mut Call<Load>) -> Result {
        let mut context = Lazy::new(&self.contexts);
        call.pages()
            .try_for_each(|page| self.load_page(page?, &mut context))
    }

    /// Empties a slot that is being stored to. Says whether it held anything. Does not sleep.
    fn empty(&self, cpu: &Pinned, slot: &PinnedSlot<'_>, bad: &[&Failed]) -> bool {
        let replaced = self.index.empty(cpu, slot.slot());
        let held = !replaced.old.is_empty();
        self.tally(cpu).replaced(&replaced);
        self.release(cpu, replaced.old, bad);
        held
    }

    /// Gives back what an entry holds that is in no table. Slots of a disk that failed are not
    /// used again.
    #[inline]
    pub(crate) fn release(&self, cpu: &Pinned, entry: Owned, bad: &[&Failed]) {
        match entry.content() {
            Some(Content::Disk(place)) => {
                if bad.iter().any(|failed| failed.is_bad(place)) {
                    self.disks.discard(cpu, place);
                } else {
                    self.disks.free(cpu, place);
                }
            }
            _ => self.ram.free(entry),
        }
    }

    /// The device is not swapped on any more. Its slots are free by now; the events that were
    /// counted are those of the time it was on.
    pub(crate) fn deactivated(&self) {
        self.free_slots.set_area(None);
        self.sweep();
        self.counters
            .iter()
            .for_each(counters::PerCpu::reset_events);
        self.all_traffic().for_each(Traffic::reset);
    }

    /// Puts an entry into a slot whose page it is.
    #[inline]
    fn put(&self, slot: &PinnedSlot<'_>, entry: Owned, bad: &[&Failed]) -> Result {
        self.put_on(&Pinned::new(), slot, entry, bad)
    }

    /// As [`put`](Self::put), on this CPU.
    fn put_on(&self, cpu: &Pinned, slot: &PinnedSlot<'_>, entry: Owned, bad: &[&Failed]) -> Result {
        let content = entry.content();
        match self.index.put(cpu, slot.slot(), entry) {
            Ok(replaced) => {
                trace::store(slot.slot(), content);
                let tally = self.tally(cpu);
                tally.content(content, 1);
                if replaced.old.is_empty() {
                    tally.filled(replaced.found, replaced.clusters);
                } else {
                    tally.replaced(&replaced);
                    self.release(cpu, replaced.old, bad);
                }
                Ok(())
            }
            Err(not_stored) => {
                self.tally(cpu).clusters(not_stored.clusters);
                self.release(cpu, not_stored.new, &[]);
                Err(not_stored.error)
            }
        }
    }

    /// Sends a page to the next slot of a run.
    #[inline]
    fn send<'a>(
        &self,
        reserves: &Reserves,
        page: CallPage<'a, Store>,
        run: &mut Run<'_>,
        bad: &[&Failed],
    ) -> Stored<'a> {
        let Some((place, slot)) = run.take() else {
            return Err((ENOSPC, page));
        };
        // Nobody reads the page, or moves it away, before it is written: the swap core waits
        // for the call, and movers for those in the bay.
        match self.put(page.slot(), Owned::disk(place), bad) {
            Ok(()) => {
                page.send(reserves, &run.entered, slot);
                Ok(())
            }
            Err(error) => Err((error, page)),
        }
    }

    /// Where a slot's page lies on a disk, if it does.
    fn place_of(&self, slot: &PinnedSlot<'_>) -> Option<Place> {
        let reader = Reader::new();
        let (held, _) = self.index.load(&Pinned::new(), &reader, slot);
        match held.content() {
            Some(HeldContent::Disk(place)) => Some(place),
            _ => None,
        }
    }

    #[inline]
    fn load_page(&self, mut page: CallPage<'_, Load>, context: &mut Lazy<'_>) -> Result {
        for _ in 0..LOOKS {
            let (slot, contents) = page.parts();
            let reader = Reader::new();
            let (held, found) = self.index.load(&Pinned::new(), &reader, slot);
            held.trace(slot);
            match held.content() {
                Some(HeldContent::Same(word)) => {
                    contents.fill(word);
                    self.loaded(&Pinned::new(), found, Counter::SameLoads);
                    return Ok(());
                }
                Some(HeldContent::Ram(object)) => {
                    // Waiting for a context is sleeping, which a reader may not.
                    let Some(context) = context.try_get() else {
                        drop(reader);
                        context.get()?;
                        continue;
                    };
                    self.loaded(&Pinned::new(), found, Counter::RamLoads);
                    self.ram.load(&object, contents, context)?;
                    drop(reader);
                    self.take_over(&page);
                    return Ok(());
                }
                Some(HeldContent::Disk(place)) => {
                    if self.copy_from_disk(&reader, place, &page, found) {
                        return Ok(());
                    }
                    drop(reader);
                    let Some(entered) = self.disks.bay(place.disk).and_then(|bay| bay.enter())
                    else {
                        // A mover has emptied it, and it is gone.
                        continue;
                    };
                    // It may have been moved before the bay was entered; now it stays.
                    match self.place_of(page.slot()) {
                        Some(place) if place.disk == entered.number() => {
                            self.loaded(&Pinned::new(), found, Counter::DiskLoads);
                            context.give_back();
                            swap_area::is_disk();
                            page.send(&self.loads, &entered, place.slot);
                            return Ok(());
                        }
                        _ => continue,
                    }
                }
                Some(HeldContent::Lost) => {
                    pr_err_once!("a page was read that was given up with its disk\n");
                    return Err(EIO);
                }
                Some(HeldContent::Empty) | None => {
                    pr_err_once!("a slot was read that holds no page; its reader gets an error\n");
                    return Err(EIO);
                }
            }
        }
        pr_err_once!("a page was not found where its slot says\n");
        Err(EIO)
    }

    /// What was read from memory is not kept there as well: the page that was read has the data from
    /// now on, unless the swap core frees the slot anyway.
    #[inline]
    fn take_over(&self, page: &CallPage<'_, Load>) {
        if !swap_area::is_synchronous() {
            page.make_dirty();
            self.empty(&Pinned::new(), page.slot(), &[]);
        }
    }

    /// Reads a page from a disk that is memory. Says whether that was done.
    #[inline]
    fn copy_from_disk(
        &self,
        reader: &Reader,
        place: Place,
        page: &CallPage<'_, Load>,
        found: Found,
    ) -> bool {
        // Until the reader is over the page stays where it is, and the disk as well: who moves
        // one and takes away the other waits for a grace period in between.
        let bay = self.disks.bay(place.disk);
        let Some(disk) = bay.and_then(|bay| bay.peek_as(reader)) else {
            return false;
        };
        let done = page.copy(disk, place.slot);
        if done {
            let cpu = Pinned::new();
            self.loads.copied(&cpu, Direction::Read, disk);
            self.loaded(&cpu, found, Counter::DiskLoads);
        }
        done
    }

    /// Counts a page that was found and comes from there.
    #[inline]
    fn loaded(&self, cpu: &Pinned, found: Found, from: Counter) {
        let tally = self.tally(cpu);
        tally.found(found);
        tally.count(from, 1);
    }

    /// This CPU's counters, to count with while it stays on it.
    #[inline]
    pub(crate) fn tally<'a>(&'a self, cpu: &'a Pinned) -> Tally<'a> {
        Tally::new(self.counters.local(cpu))
    }

    /// The virtual size.
    pub(crate) fn size(&self) -> Size {
        // What is stored came from a `Size`.
        Size::from_bytes(self.size.load(Ordering::Relaxed)).unwrap_or(Size::default_for(0))
    }

    /// Changes the virtual size, of a device that is not swapped on.
    pub(crate) fn set_size(&self, size: Size) {
        self.size.store(size.bytes(), Ordering::Relaxed);
    }

    /// What the swap core is to take the device for.
    pub(crate) fn kind(&self) -> Kind {
        let is_memory = self.disks.are_synchronous();
        match (self.ram.is_used(), is_memory) {
            (true, true) => Kind::Memory,
            (true, false) => Kind::Mixed,
            (false, true) if !self.disks.are_none() => Kind::Memory,
            (false, _) => Kind::Disk,
        }
    }

    /// The ram tier.
    pub(crate) fn ram(&self) -> &Ram {
        &self.ram
    }

    /// The disks.
    pub(crate) fn disks(&self) -> &Disks {
        &self.disks
    }

    /// The index.
    pub(crate) fn index(&self) -> &Index {
        &self.index
    }

    /// What transfers are made of.
    pub(crate) fn reserves(&self) -> &Reserves {
        &self.reserves
    }

    /// Scratch memory to compress with.
    pub(crate) fn contexts(&self) -> &Contexts {
        &self.contexts
    }

    /// What may be written to disks in a day.
    pub(crate) fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Takes a page of what may be written to disks in a day, if that is not spent.
    #[inline]
    fn may_write_page(&self) -> bool {
        self.budget.limit() == 0 || self.budget.take(1, clock::seconds())
    }

    /// Changes what new pages are compressed with; what is stored stays as it is. May sleep.
    pub(crate) fn set_algorithm(&self, algorithm: Algorithm) -> Result {
        self.contexts.prepare(algorithm)?;
        self.ram.set_algorithm(algorithm);
        Ok(())
    }

    /// A counter's value.
    pub(crate) fn counter(&self, counter: Counter) -> i64 {
        counters::total(self.counters.iter(), counter)
    }

    /// What went to disks and came from there.
    pub(crate) fn traffic(&self) -> Totals {
        traffic::total(self.all_traffic())
    }

    fn all_traffic(&self) -> impl Iterator<Item = &Traffic> {
        [&self.reserves, &self.loads, &self.repairs]
            .into_iter()
            .flat_map(Reserves::traffic)
    }

    /// Bytes of the tables of all clusters that have one.
    pub(crate) fn table_bytes(&self) -> i64 {
        self.counter(Counter::Clusters)
            .saturating_sub(self.counter(Counter::WholeClusters))
            .saturating_mul(counters::number(TABLE_BYTES))
    }

    /// Bytes of the tables, the cluster objects and the disks' allocators.
    pub(crate) fn metadata_bytes(&self) -> i64 {
        let disks = self.disks.sum(|disk| disk.metadata_bytes());
        self.counter(Counter::Clusters)
            .saturating_mul(counters::number(CLUSTER_BYTES))
            .saturating_add(self.table_bytes())
            .saturating_add(i64::try_from(disks).unwrap_or(i64::MAX))
    }
}

/// A call's pages being stored, one after the other.
struct Storing<'a, 'c> {
    device: &'a Device,
    pages: Pages<'a, Store>,
    context: &'a mut Lazy<'c>,
    /// Slots that were allocated for a folio and are left.
    run: Option<Run<'a>>,
    /// The home of the cluster that was stored to last.
    home: Option<(ClusterNumber, Home)>,
}

impl<'a, 'c> Storing<'a, 'c> {
    #[inline]
    fn new(device: &'a Device, pages: Pages<'a, Store>, context: &'a mut Lazy<'c>) -> Self {
        Self {
            device,
            pages,
            context,
            run: None,
            home: None,
        }
    }

    #[inline]
    fn run(mut self) -> Result {
        while let Some(page) = self.pages.next() {
            self.store_page(page?)?;
        }
        Ok(())
    }

    /// Same-filled pages go into the entry, others to the ram tier, or else to a disk.
    #[inline]
    fn store_page(&mut self, page: CallPage<'a, Store>) -> Result {
        match self.try_page(page) {
            Err((_, page)) if self.device.sweep() => self.try_page(page),
            result => result,
        }
        .map_err(|(error, _)| error)
    }

    #[inline]
    fn try_page(&mut self, page: CallPage<'a, Store>) -> Stored<'a> {
        let device = self.device;
        let word = same::repeated_word(page.contents());
        if let Some(entry) = word.and_then(Owned::same) {
            return self.put(page, Ok(entry));
        }
        if !device.ram.is_used() {
            return self.overflow(page, ENOSPC);
        }
        if device.ram.is_full() {
            return self.store_when_full(page, word);
        }
        match self.store_in_ram(page, word) {
            // It has turned out to be full.
            Err((error, page)) if error == ENOSPC => self.store_when_full(page, word),
            Err((error, page)) => self.overflow(page, error),
            Ok(()) => Ok(()),
        }
    }

    /// Puts the entry that was made for a page into its slot.
    #[inline]
    fn put(&self, page: CallPage<'a, Store>, entry: Result<Owned>) -> Stored<'a> {
        let put = entry.and_then(|entry| self.device.put(page.slot(), entry, &[]));
        put.map_err(|error| (error, page))
    }

    /// With no room in the ram tier nothing is compressed in vain: there, when room was made, or on
    /// a disk.
    #[cold]
    #[inline(never)]
    fn store_when_full(&mut self, page: CallPage<'a, Store>, word: Option<u64>) -> Stored<'a> {
        // Nobody waits with a context.
        self.context.give_back();
        let stored = if self.device.make_room() {
            self.store_in_ram(page, word)
        } else {
            Err((ENOSPC, page))
        };
        stored.or_else(|(error, page)| self.overflow(page, error))
    }

    /// In the ram tier, unless the page is better on a disk. `ENOSPC`: it is full.
    #[inline]
    fn store_in_ram(&mut self, page: CallPage<'a, Store>, word: Option<u64>) -> Stored<'a> {
        let ram = &self.device.ram;
        let entry = match word {
            Some(word) => ram.store_word(word),
            None => match self.context.get() {
                Ok(context) => match ram.store(page.contents(), context) {
                    Ok(entry) => entry,
                    Err(Incompressible) => return self.store_incompressible(page),
                },
                Err(error) => Err(error),
            },
        };
        self.put(page, entry)
    }

    /// A page that does not get shorter gains nothing in memory. It stays there all the same until it
    /// is old, like any other; above the high watermark a disk is the better place.
    fn store_incompressible(&mut self, page: CallPage<'a, Store>) -> Stored<'a> {
        let ram = &self.device.ram;
        let page = if ram.is_above_high() {
            match self.overflow(page, ENOSPC) {
                Ok(()) => return Ok(()),
                Err((_, page)) => page,
            }
        } else {
            page
        };
        let raw = ram.store_raw(page.contents());
        self.put(page, raw)
    }

    /// On a disk, if there is one, as no other tier takes the page.
    #[inline]
    fn overflow(&mut self, page: CallPage<'a, Store>, error: Error) -> Stored<'a> {
        let device = self.device;
        if device.disks.are_none() || !device.may_write_page() {
            return Err((error, page));
        }
        self.context.give_back();
        let stored = self.store_on_disk(page);
        if stored.is_err() {
            device.budget.give_back(1);
        }
        stored
    }

    fn store_on_disk(&mut self, page: CallPage<'a, Store>) -> Stored<'a> {
        let device = self.device;
        // With a ram tier clusters are mixed; then pages go where they are next to each other.
        if !device.ram.is_used() {
            if let Some(stored) = self.copy_home(&page) {
                return stored.map_err(|error| (error, page));
            }
            if let Some(mut run) = self.claim_at_home(page.slot()) {
                return device.send(&device.reserves, page, &mut run, &[]);
            }
        }
        if self.run.as_ref().is_none_or(Run::is_over) {
            let want = if device.ram.is_used() {
                1
            } else {
                self.pages.left_in_folio()
            };
            let cpu = Pinned::new();
            self.run = device.disks.allocate(&Allocating::Store(&cpu), want);
        }
        let sent = match &mut self.run {
            Some(run) => device.send(&device.reserves, page, run, &[]),
            None => Err((ENOSPC, page)),
        };
        if self.pages.left_in_folio() == 1 {
            // The next folio's pages lie elsewhere; what is left is freed.
            self.run = None;
        }
        sent
    }

    /// Copies a page to its own offset in its cluster's home, if that is on a disk that is memory
    /// and nobody has the slot: the way of nearly all pages where disks are such.
    #[inline]
    fn copy_home(&self, page: &CallPage<'_, Store>) -> Option<Result> {
        let device = self.device;
        // Who closes a disk for claims, and then waits for those in its bay, waits for this as
        // well.
        let cpu = Pinned::new();
        let slot = page.slot().slot();
        let Preference::Home(home) = device.index.preference(&cpu, slot) else {
            return None;
        };
        let disk = device.disks.bay(home.disk)?.peek(&cpu)?;
        let to = home.cluster.slot(slot.offset());
        if !disk.backing().is_memory() {
            return None;
        }
        // What the slot held, and no sweep has given back yet, may be what is in the way.
        let empty = || device.empty(&cpu, page.slot(), &[]);
        let is_claimed = disk.claim(to, 1) || empty() && disk.claim(to, 1);
        if !is_claimed {
            return None;
        }
        if !page.copy(disk, to) {
            disk.free(to);
            return None;
        }
        device.reserves.copied(&cpu, Direction::Write, disk);
        let place = Place {
            disk: home.disk,
            slot: to,
        };
        Some(device.put_on(&cpu, page.slot(), Owned::disk(place), &[]))
    }

    /// Claims the slot in a cluster's home that has the page's own offset. A cluster that is
    /// not there yet gets a home.
    fn claim_at_home(&mut self, pinned: &PinnedSlot<'_>) -> Option<Run<'a>> {
        let disks = &self.device.disks;
        let slot = pinned.slot();
        let known = self.home.filter(|(number, _)| *number == slot.cluster());
        let home = match known {
            Some((_, home)) => home,
            None => match self.device.index.preference(&Pinned::new(), slot) {
                Preference::Home(home) => home,
                Preference::Anywhere => return None,
                Preference::None => {
                    let new = disks.new_home(slot.offset())?;
                    self.home = Some((slot.cluster(), new.home()));
                    return Some(new.into());
                }
            },
        };
        self.home = Some((slot.cluster(), home));
        let place = Place {
            disk: home.disk,
            slot: home.cluster.slot(slot.offset()),
        };
        disks.claim(place).or_else(|| {
            // As in `copy_home`.
            let emptied = self.device.empty(&Pinned::new(), pinned, &[]);
            emptied.then(|| disks.claim(place))?
        })
    }
}

const _: () = assert!(TABLE_BYTES == PAGE_SIZE);

#[pinned_drop]
impl PinnedDrop for Device {
    fn drop(self: Pin<&mut Self>) {
        // Swapoff has freed all slots. If one is left, what it holds is given back.
        self.index.drain(|entry| {
            self.release(&Pinned::new(), entry, &[]);
        });
        self.leftovers.tidy(&self, true);
        self.disks.take_all_out();
    }
}
