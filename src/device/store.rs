// SPDX-License-Identifier: GPL-2.0-only

//! Stores pages: in their entries, in the ram tier, or on a disk.

use super::{CallPage, Device, Pages};
use crate::engine::claims::Slots;
use crate::engine::form::Home;
use crate::engine::held::{Owned, PinnedSlot};
use crate::engine::index::Preference;
use crate::engine::same;
use crate::engine::slot::ClusterNumber;
use crate::engine::traffic::Direction;
use crate::glue::clock;
use crate::glue::cpu::Pinned;
use crate::glue::reserves::Reserves;
use crate::glue::target::Target;
use crate::glue::way::Store;
use crate::tiers::contexts::Lazy;
use crate::tiers::disk::Allocating;
use crate::tiers::ram::Incompressible;
use crate::tiers::transfer::{Failed, Run};
use kernel::prelude::*;

/// A page that found no room in any tier is returned, with `ENOSPC` or `ENOMEM`.
pub(super) type Stored<'a> = Result<(), (Error, CallPage<'a, Store>)>;

/// Stores a call's pages one after the other.
pub(super) struct Storing<'a, 'c> {
    device: &'a Device,
    pages: Pages<'a, Store>,
    context: &'a mut Lazy<'c>,
    /// The rest of the slots that were allocated for a folio.
    run: Option<Run<'a>>,
    /// The home of the cluster that was last stored to.
    home: Option<(ClusterNumber, Home)>,
}

impl<'a, 'c> Storing<'a, 'c> {
    /// Prepares to store those pages.
    #[inline]
    pub(super) fn new(
        device: &'a Device,
        pages: Pages<'a, Store>,
        context: &'a mut Lazy<'c>,
    ) -> Self {
        Self {
            device,
            pages,
            context,
            run: None,
            home: None,
        }
    }

    /// Stores all pages.
    #[inline]
    pub(super) fn run(mut self) -> Result {
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
            // The tier is full after all.
            Err((error, page)) if error == ENOSPC => self.store_when_full(page, word),
            Err((error, page)) => self.overflow(page, error),
            Ok(()) => Ok(()),
        }
    }

    /// Puts a page's entry into its slot.
    #[inline]
    fn put(&self, page: CallPage<'a, Store>, entry: Result<Owned>) -> Stored<'a> {
        let put = entry.and_then(|entry| self.device.put(page.slot(), entry, &[]));
        put.map_err(|error| (error, page))
    }

    /// Stores a page when the ram tier is full: there if room can be made, or else on a disk. Compresses
    /// nothing before there is room.
    #[cold]
    #[inline(never)]
    fn store_when_full(&mut self, page: CallPage<'a, Store>, word: Option<u64>) -> Stored<'a> {
        // A task that may wait must not hold a context.
        self.context.give_back();
        let stored = if self.device.make_room() {
            self.store_in_ram(page, word)
        } else {
            Err((ENOSPC, page))
        };
        stored.or_else(|(error, page)| self.overflow(page, error))
    }

    /// Stores a page in the ram tier, unless a disk is the better place. `ENOSPC`: the tier is full.
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

    /// An incompressible page gains nothing in memory, but stays there until it is old, like any other.
    /// Above the high watermark a disk is the better place.
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

    /// Stores a page on a disk, if there is one, as no other tier takes it.
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
        // With a ram tier clusters are mixed; then the pages go to adjacent slots.
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
            // The next folio's pages go elsewhere. The rest of the run is freed.
            self.run = None;
        }
        sent
    }

    /// Copies a page to its own offset in its cluster's home, if the home is on a disk that is memory
    /// and the slot is free. Where all disks are memory, nearly all pages go this way.
    #[inline]
    fn copy_home(&self, page: &CallPage<'_, Store>) -> Option<Result> {
        let device = self.device;
        // Whoever closes a disk for claims and then waits for the users in its bay waits for this as
        // well.
        let cpu = Pinned::new();
        let slot = page.slot().slot();
        let Preference::Home(home) = device.index.preference(&cpu, slot) else {
            return None;
        };
        let disk = device.disks.bay(home.disk)?.peek(&cpu)?;
        let place = home.place(slot.offset());
        let to = place.slot;
        if !disk.backing().is_memory() {
            return None;
        }
        // The place may be taken by the slot's old page, which no sweep has freed yet.
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
        Some(device.put_on(&cpu, page.slot(), Owned::disk(place), &[]))
    }

    /// Claims the page's own offset in its cluster's home. A cluster that does not exist yet gets a
    /// home.
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
        let place = home.place(slot.offset());
        disks.claim(place).or_else(|| {
            // As in `copy_home`.
            let emptied = self.device.empty(&Pinned::new(), pinned, &[]);
            emptied.then(|| disks.claim(place))?
        })
    }
}

impl Device {
    /// Sends a page to the next slot of a run.
    #[inline]
    pub(super) fn send<'a>(
        &self,
        reserves: &Reserves,
        page: CallPage<'a, Store>,
        run: &mut Run<'_>,
        bad: &[&Failed],
    ) -> Stored<'a> {
        let Some((place, slot)) = run.take() else {
            return Err((ENOSPC, page));
        };
        // Nobody reads or moves the page before it is written: the swap core waits for the call, and
        // movers for the users in the bay.
        match self.put(page.slot(), Owned::disk(place), bad) {
            Ok(()) => {
                page.send(reserves, &run.entered, slot);
                Ok(())
            }
            Err(error) => Err((error, page)),
        }
    }

    /// Takes a page from the daily limit. `false`: the limit is reached.
    #[inline]
    fn may_write_page(&self) -> bool {
        self.budget.limit() == 0 || self.budget.take(1, clock::seconds())
    }
}
