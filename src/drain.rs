// SPDX-License-Identifier: GPL-2.0-only

//! Removing a disk in use: its pages are moved elsewhere, and nobody notices.
//!
//! The disk takes no pages from the beginning, so a page that lies at a place of it is the one
//! that was there when it was looked up, or none.

use crate::contexts::Lazy;
use crate::device::Device;
use crate::disk::{bytes, Allocating, Disk};
use crate::disks::{Disks, NewHome, Run, Stay};
use crate::engine::counters::Counter;
use crate::engine::entry::{Content, DiskNumber, Place};
use crate::engine::form::Home;
use crate::engine::map::SlotMap;
use crate::engine::page::Page;
use crate::engine::slot::{ClusterNumber, Offset, Slot, SLOTS_PER_CLUSTER};
use crate::glue::bay::Entered;
use crate::glue::cluster::TablePage;
use crate::glue::cpu::Pinned;
use crate::glue::held::Owned;
use crate::glue::index::Moved;
use crate::glue::signal;
use crate::glue::trace;
use crate::glue::transfer::{BufferTransfer, Failed};
use crate::mover::{Mover, NewContent, CHUNK};
use core::mem::take;
use kernel::prelude::*;
use kernel::sync::Arc;

/// Moves all pages away from the disk at that path and closes it. May sleep, for as long as
/// that takes.
///
/// `ENOENT`: there is no such disk. `EBUSY`: it is being removed already. `ENOSPC`: there is too
/// little room elsewhere. `ECANCELED`: it was cancelled. `ERESTARTNOHAND`: a signal came. `EIO`: some
/// pages can't be read; with `force` they are given up instead. After an error the disk is in
/// service as before, with the pages that are still on it.
pub(crate) fn remove(device: &Arc<Device>, path: &CStr, force: bool) -> Result {
    let disks = device.disks();
    let entered = disks.find(path).ok_or_else(|| not_a_disk(path))?;
    let number = entered.number();
    let disk = entered.disk();
    if !disk.health().start_draining() {
        pr_err!("{}: it is being removed already\n", path);
        return Err(EBUSY);
    }
    drop(entered);
    let result = drain(device, number, path, force).and_then(|()| check_empty(device, number));
    if result.is_ok() {
        disks.take_out(number);
        pr_info!("{}: removed\n", path);
    } else if let Some(bay) = disks.bay(number) {
        // Who is still reading a page that was moved away is done before its slot is used.
        bay.wait();
        if let Some(entered) = bay.enter() {
            entered.disk().health().stop_draining();
        }
    }
    result
}

/// Stops a removal. `ENOENT`: there is no such disk. `EINVAL`: it is not being removed.
pub(crate) fn cancel(device: &Device, path: &CStr) -> Result {
    let entered = device.disks().find(path).ok_or_else(|| not_a_disk(path))?;
    if entered.disk().health().cancel() {
        Ok(())
    } else {
        pr_err!("{}: it is not being removed\n", path);
        Err(EINVAL)
    }
}

fn not_a_disk(path: &CStr) -> Error {
    pr_err!("{}: it is not one of the disks; tiers lists them\n", path);
    ENOENT
}

// Out of line, as are the steps below: their frames don't add up.
#[inline(never)]
fn drain(device: &Arc<Device>, number: DiskNumber, path: &CStr, force: bool) -> Result {
    let bay = device.disks().bay(number).ok_or(ENOENT)?;
    // Writes that are under way have got where they are to lie.
    bay.wait();
    let entered = bay.enter().ok_or(ENOENT)?;
    let disk = entered.disk();
    device.sweep();
    check_room(device, disk)?;
    disk.health().set_drained_from(disk.used());
    let mut drainer = Drainer {
        mover: Mover::new(device.clone(), CHUNK)?,
        places: KVec::with_capacity(SLOTS_PER_CLUSTER, GFP_KERNEL)?,
        disk: &entered,
        force,
        failing: Chosen::default(),
        unreadable_here: 0,
        unreadable: 0,
    };
    drainer.drain_all(path)?;
    let unreadable = drainer.unreadable;
    drop(drainer);
    if unreadable == 0 {
        Ok(())
    } else {
        Err(can_not_read(path, unreadable))
    }
}

#[cold]
#[inline(never)]
fn can_not_read(path: &CStr, pages: usize) -> Error {
    pr_err!(
        "{}: {} pages can't be read; write \"{} force\" to tier_remove to give them up\n",
        path,
        pages,
        path
    );
    EIO
}

#[inline(never)]
fn stopped(path: &CStr, disk: &Disk, error: Error) {
    let why = if error == ENOSPC {
        "there is no room elsewhere any more"
    } else {
        "there is no memory"
    };
    let left = disk.used();
    pr_err!(
        "{}: stopped with {} bytes still on it: {}\n",
        path,
        left,
        why
    );
}

/// Whether nothing of the disk is in use any more. `EBUSY`: something is, and no slot says so.
#[inline(never)]
fn check_empty(device: &Device, number: DiskNumber) -> Result {
    let bay = device.disks().bay(number).ok_or(ENOENT)?;
    // What a slot frees is in use a moment longer than its entry.
    bay.wait();
    let entered = bay.enter().ok_or(ENOENT)?;
    let disk = entered.disk();
    let used = disk.used();
    if used == 0 {
        return Ok(());
    }
    let path = disk.path();
    pr_err!(
        "{}: {} bytes of it are in use, but no slot says so\n",
        path,
        used
    );
    Err(EBUSY)
}

/// Whether what is on the disk has room elsewhere. What goes to the ram tier is taken for
/// incompressible.
#[inline(never)]
fn check_room(device: &Device, disk: &Disk) -> Result {
    let ram = device.ram();
    let room = device
        .disks()
        .room()
        .saturating_add(ram.limit().saturating_sub(ram.pool_bytes()));
    let missing = disk.used().saturating_sub(room);
    if missing == 0 {
        return Ok(());
    }
    pr_err!(
        "{}: {} bytes are missing elsewhere for what is on it; add a disk first, or raise ram_limit\n",
        disk.path(),
        missing
    );
    Err(ENOSPC)
}

/// How often a cluster's pages are tried to be moved, when a disk fails to take some.
const ATTEMPTS: usize = 4;

/// What a drain goes along with.
struct Drainer<'a> {
    mover: Mover,
    /// Slots of the cluster at hand whose pages lie on the disk.
    places: KVec<(Slot, Place)>,
    disk: &'a Entered<'a>,
    force: bool,
    /// Disks that failed to take pages of the cluster at hand.
    failing: Chosen,
    /// Pages that can't be read, of the cluster at hand and of those before.
    unreadable_here: usize,
    unreadable: usize,
}

/// Some of the buffer's pages, or of the disks, by their index.
#[derive(Clone, Copy, Default)]
struct Chosen(u128);

const _: () = assert!(CHUNK <= 128);

impl Chosen {
    fn choose(&mut self, index: usize) {
        self.0 |= Self::bit(index);
    }

    fn has(self, index: usize) -> bool {
        self.0 & Self::bit(index) != 0
    }

    fn bit(index: usize) -> u128 {
        let index = u32::try_from(index).ok();
        index
            .and_then(|index| 1u128.checked_shl(index))
            .unwrap_or(0)
    }
}

/// Where a page of the buffer goes.
enum Target {
    /// Nowhere: it could not be read.
    Unreadable,
    /// To a disk.
    Disk(Place),
    /// To the ram tier, where it is already.
    Ram(Owned),
    /// There is no room.
    None,
}

impl Drainer<'_> {
    /// Moves all pages away, cluster by cluster. New clusters have none of them.
    #[inline(never)]
    fn drain_all(&mut self, path: &CStr) -> Result {
        let device = self.mover.device();
        let disk = self.disk.disk();
        let mut next = Some(0);
        while let Some(from) = next {
            let Some(overview) = device.index().overview(&Pinned::new(), from) else {
                break;
            };
            next = overview.number.index().checked_add(1);
            if disk.health().is_cancelled() {
                return Err(ECANCELED);
            }
            signal::check()?;
            if !self.mover.has_room() {
                disk.health().set_moved(0);
                self.mover.flush();
            }
            let moved = self.drain(overview.number);
            disk.health().set_moved(bytes(self.mover.waiting()));
            trace::drain(overview.number, &moved);
            moved.inspect_err(|error| stopped(path, disk, *error))?;
        }
        disk.health().set_moved(0);
        self.mover.flush();
        Ok(())
    }

    /// Moves a cluster's pages away. Gives how many there were.
    #[inline(never)]
    fn drain(&mut self, number: ClusterNumber) -> Result<usize> {
        let device = self.mover.device();
        let from = device.index().home(&Pinned::new(), number);
        let from = from.filter(|home| home.disk == self.disk.number());
        self.look(number);
        let pages = self.places.len();
        if pages == 0 {
            return Ok(0);
        }
        // A whole cluster stays one, if there is a cluster for it elsewhere.
        if let (Some(from), Some((first, _))) = (from, self.places.first()) {
            let to = device.disks().new_home(first.offset());
            if to.is_some_and(|to| self.rehome(number, from, to)) {
                return Ok(pages);
            }
        }
        let mut result = Ok(());
        self.failing = Chosen::default();
        for _ in 0..ATTEMPTS {
            self.look(number);
            self.unreadable_here = 0;
            result = self.move_places();
            if result.is_ok() {
                break;
            }
        }
        self.unreadable = self.unreadable.saturating_add(self.unreadable_here);
        self.mover.collapse(number);
        result.map(|()| pages)
    }

    fn move_places(&mut self) -> Result {
        let mut start = 0;
        while start < self.places.len() {
            let end = start.saturating_add(CHUNK).min(self.places.len());
            self.move_chunk(start, end)?;
            start = end;
        }
        Ok(())
    }

    /// Notes which slots of a cluster have their pages on the disk.
    fn look(&mut self, number: ClusterNumber) {
        let Self { places, disk, .. } = self;
        places.clear();
        self.mover
            .device()
            .index()
            .scan(&Pinned::new(), number, |slot, content| match content {
                Some(Content::Disk(place)) if place.disk == disk.number() => {
                    // There is room for all slots of a cluster.
                    let _ = places.push_within_capacity((slot, place));
                }
                _ => {}
            });
    }

    /// Moves a whole cluster's pages to another home. `false`: that did not work out, and
    /// nothing has changed.
    #[inline(never)]
    fn rehome(&mut self, number: ClusterNumber, from: Home, mut to: NewHome<'_>) -> bool {
        let device = self.mover.device();
        let home = to.home();
        let place = |offset: Offset| Place {
            disk: home.disk,
            slot: home.cluster.slot(offset),
        };
        let mut claimed = 0usize;
        for (slot, _) in &self.places {
            if to.claim(slot.offset()).is_none() {
                break;
            }
            claimed = claimed.saturating_add(1);
        }
        let mut copied = claimed == self.places.len();
        let mut unwritten = None;
        let mut start = 0;
        while copied && start < self.places.len() {
            let end = start.saturating_add(CHUNK).min(self.places.len());
            copied = self.read(start, end).is_none();
            let chunk = self.places.get(start..end).unwrap_or(&[]);
            if copied {
                let buffer = take(&mut self.mover.buffer);
                let mut write = BufferTransfer::write(device.reserves(), buffer);
                for (index, (slot, _)) in (0..CHUNK).zip(chunk) {
                    write.add(index, &to.entered, place(slot.offset()).slot);
                }
                let (buffer, failed) = write.wait();
                self.mover.buffer = buffer;
                copied = failed.is_none();
                unwritten = Some(failed);
            }
            start = end;
        }
        let used = SlotMap::default();
        let done = copied && {
            let cpu = Pinned::new();
            device.index().rehome(&cpu, number, from, home, |offset| {
                used.set(offset);
            })
        };
        let cpu = Pinned::new();
        let mut moved = 0i64;
        for (slot, old) in self.places.iter().take(claimed) {
            let offset = slot.offset();
            if done && used.test(offset) {
                device.disks().free(&cpu, *old);
                moved = moved.saturating_add(1);
            } else {
                // Freed meanwhile, or not copied at all.
                let unused = Owned::disk(place(offset));
                match &unwritten {
                    Some(failed) => device.release(&cpu, unused, &[failed]),
                    None => device.release(&cpu, unused, &[]),
                }
            }
        }
        device.tally(&cpu).count(Counter::DrainedPages, moved);
        done
    }

    /// Reads the pages from index `start` to `end` into the buffer. Gives what failed.
    #[inline(never)]
    fn read(&mut self, start: usize, end: usize) -> Failed {
        let device = self.mover.device();
        let buffer = take(&mut self.mover.buffer);
        let mut read = BufferTransfer::read(device.reserves(), buffer);
        let chunk = self.places.get(start..end).unwrap_or(&[]);
        for (index, (_, place)) in (0..CHUNK).zip(chunk) {
            read.add(index, self.disk, place.slot);
        }
        let (buffer, failed) = read.wait();
        self.mover.buffer = buffer;
        failed
    }

    /// Reads those of the pages again, one by one, that failed to come along with others: what
    /// fails in one piece may be a single page. Gives those that can't be read.
    #[inline(never)]
    fn read_again(&mut self, start: usize, end: usize, failed: &Failed) -> Chosen {
        let mut unreadable = Chosen::default();
        if failed.is_none() {
            return unreadable;
        }
        let device = self.mover.device();
        let chunk = self.places.get(start..end).unwrap_or(&[]);
        for (index, (_, place)) in (0..CHUNK).zip(chunk) {
            if failed.has(*place) {
                let buffer = take(&mut self.mover.buffer);
                let mut read = BufferTransfer::read(device.reserves(), buffer);
                read.add(index, self.disk, place.slot);
                let (buffer, failed) = read.wait();
                self.mover.buffer = buffer;
                if !failed.is_none() {
                    unreadable.choose(index);
                }
            }
        }
        unreadable
    }

    /// Moves the pages from index `start` to `end` away, one by one.
    #[inline(never)]
    fn move_chunk(&mut self, start: usize, end: usize) -> Result {
        let device = self.mover.device();
        let unread = self.read(start, end);
        let unreadable = self.read_again(start, end, &unread);
        drop(unread);
        let chunk = self.places.get(start..end).unwrap_or(&[]);
        let mut stay = Stay::default();
        let mut targets = KVec::with_capacity(CHUNK, GFP_KERNEL)?;
        let buffer = take(&mut self.mover.buffer);
        let mut write = BufferTransfer::write(device.reserves(), buffer);
        let mut run: Option<Run<'_>> = None;
        for index in 0..chunk.len() {
            if unreadable.has(index) {
                let _ = targets.push_within_capacity(Target::Unreadable);
                continue;
            }
            if run.as_ref().is_none_or(Run::is_over) {
                let want = chunk.len().saturating_sub(index);
                run = room_for(device.disks(), want, self.failing);
            }
            let in_ram = if run.is_none() {
                write.page(index).and_then(|page| self.to_ram(page))
            } else {
                None
            };
            let target = if let Some(new) = in_ram {
                Target::Ram(new)
            } else {
                // The last to be tried is what failed before.
                run = run.or_else(|| device.disks().allocate(&Allocating::Mover, 1));
                let place = run.as_mut().and_then(|run| {
                    stay.at(&run.entered);
                    let (place, slot) = run.take()?;
                    write.add(index, &run.entered, slot);
                    Some(place)
                });
                place.map_or(Target::None, Target::Disk)
            };
            let _ = targets.push_within_capacity(target);
        }
        drop(run);
        let (buffer, unwritten) = write.wait();
        self.mover.buffer = buffer;
        let mut result = Ok(());
        for (index, target) in (0..CHUNK).zip(targets.drain_all()) {
            let Some((slot, place)) = self.places.get(start.saturating_add(index)) else {
                break;
            };
            let new = match target {
                Target::Disk(to) if unwritten.has(to) => {
                    device.release(&Pinned::new(), Owned::disk(to), &[&unwritten]);
                    self.failing.choose(to.disk.index());
                    result = Err(ENOSPC);
                    continue;
                }
                Target::Disk(to) => Owned::disk(to),
                Target::Ram(new) => new,
                Target::None => {
                    result = Err(ENOSPC);
                    continue;
                }
                Target::Unreadable if self.force => Owned::LOST,
                Target::Unreadable => {
                    self.unreadable_here = self.unreadable_here.saturating_add(1);
                    continue;
                }
            };
            result = exchange(&mut self.mover, *slot, *place, new).and(result);
        }
        drop(stay);
        result
    }

    /// Stores a page in the ram tier, if there is room.
    #[inline(never)]
    fn to_ram(&self, page: &Page) -> Option<Owned> {
        let device = self.mover.device();
        if !device.ram().is_used() {
            return None;
        }
        let mut context = Lazy::new(device.contexts());
        let stored = device.ram().store(page, context.get().ok()?);
        stored.unwrap_or_else(|_| device.ram().store_raw(page)).ok()
    }
}

/// Slots for up to so many pages, on disks that did not fail to take some.
#[inline(never)]
fn room_for(disks: &Disks, want: usize, failing: Chosen) -> Option<Run<'_>> {
    disks.allocate_of(&Allocating::Mover, want, |disk| !failing.has(disk.index()))
}

/// Gives a slot its new entry, if its page still lies at `place`.
#[inline(never)]
fn exchange(mover: &mut Mover, slot: Slot, place: Place, mut new: Owned) -> Result {
    let device = mover.device();
    let content = NewContent::of(&new);
    let mut spare = None;
    loop {
        let moved = device
            .index()
            .exchange(&Pinned::new(), slot, place, new, &mut spare);
        match moved {
            Moved::NeedsTable(back) => {
                spare = TablePage::wait();
                if spare.is_none() {
                    device.release(&Pinned::new(), back, &[]);
                    return Err(ENOMEM);
                }
                new = back;
            }
            moved => {
                mover.moved(moved, &content, Counter::DrainedPages);
                return Ok(());
            }
        }
    }
}

/// Bytes that a drain has moved so far, and all that it is to move, for the user to look at.
pub(crate) fn drained(disk: &Disk) -> Option<(u64, u64)> {
    disk.health().drained(disk.used())
}
