// SPDX-License-Identifier: GPL-2.0-only

//! Removes a disk that is in use: its pages move elsewhere while the swap core uses them.
//!
//! The disk takes no pages from the beginning. So a page that lies at one of its places is the page that
//! was there when it was looked up, or there is none.

use super::drain_packed::DrainPacked;
use super::mover::{clusters, Mover, NewContent, CHUNK};
use crate::device::Device;
use crate::engine::bay::Grace;
use crate::engine::counters::Counter;
use crate::engine::entry::{Content, DiskNumber, Place};
use crate::engine::form::Home;
use crate::engine::held::Owned;
use crate::engine::index::moves::Moved;
use crate::engine::map::SlotMap;
use crate::engine::page::Page;
use crate::engine::slot::{ClusterNumber, Slot, SLOTS_PER_CLUSTER};
use crate::glue::cpu::Pinned;
use crate::glue::memory::{Buffer, OwnedTable};
use crate::glue::wait::Pause;
use crate::glue::way::{Load, Store};
use crate::glue::{signal, trace};
use crate::tiers::contexts::Lazy;
use crate::tiers::disk::{bytes, Allocating, Disk};
use crate::tiers::disks::Disks;
use crate::tiers::leftovers::Left;
use crate::tiers::packing::Packing;
use crate::tiers::transfer::{Bay, BufferTransfer, Entered, Failed, NewHome, Run, Stay};
use core::mem::take;
use kernel::prelude::*;
use kernel::sync::Arc;

/// Moves all pages away from the disk at that path and closes it. Sleeps for as long as that takes.
///
/// `ENOENT`: there is no such disk. `EBUSY`: another task is removing it. `ENOSPC`: there is not enough
/// room elsewhere. `ECANCELED`: the removal was cancelled. `ERESTARTNOHAND`: a signal came. `EIO`: some
/// pages can't be read; with `force` they are given up instead. After an error the disk is in service
/// again, with the pages that are still on it.
pub(crate) fn remove(device: &Arc<Device>, path: &CStr, force: bool) -> Result {
    let disks = device.disks();
    let bay = disks.bay(start(disks, path)?).ok_or(ENOENT)?;
    let result = drain(device, bay, path, force).and_then(|()| check_empty(device, bay));
    if result.is_ok() {
        disks.take_out(bay);
        pr_info!("{}: removed\n", path);
    } else {
        disks.put_back(bay);
    }
    result
}

/// Stops a disk from taking pages. If the disk is about to return to service after an earlier removal,
/// such as one that suspend interrupted, waits for that.
fn start(disks: &Disks, path: &CStr) -> Result<DiskNumber> {
    let mut pause = Pause::new();
    loop {
        let entered = disks.find(path).ok_or_else(|| not_a_disk(path))?;
        let number = entered.number();
        // In this order: the disk may have returned just now.
        let is_returning = disks.is_returning(number);
        if entered.disk().health().start_draining() {
            return Ok(number);
        }
        let is_stuck = entered.disk().health().is_stuck();
        drop(entered);
        // A disk that does not answer may never return.
        if !is_returning || is_stuck {
            pr_err!("{}: another task is removing it\n", path);
            return Err(EBUSY);
        }
        signal::check()?;
        pause.sleep();
    }
}

/// An error if the removal of a disk has to stop.
fn check(disk: &Disk) -> Result {
    if disk.health().is_cancelled() {
        return Err(ECANCELED);
    }
    signal::check()
}

/// Waits for all users in the bay of a disk, unless its removal has to stop.
fn wait_for(bay: &Bay) -> Result {
    // The task that checks must not be in the bay while it waits.
    let check_inside = || bay.enter().map_or(Ok(()), |entered| check(entered.disk()));
    let mut pause = Pause::new();
    let go_on = || {
        pause.sleep();
        check_inside().is_ok()
    };
    if bay.wait_while(&mut Grace::default(), go_on) {
        Ok(())
    } else {
        check_inside().and(Err(ECANCELED))
    }
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

pub(crate) fn not_a_disk(path: &CStr) -> Error {
    pr_err!(
        "{}: it is not one of the disks; read tiers for a list\n",
        path
    );
    ENOENT
}

// Out of line, as are the steps below, so that their stack frames don't add up.
#[inline(never)]
fn drain(device: &Arc<Device>, bay: &Bay, path: &CStr, force: bool) -> Result {
    // After this, all writes that were under way have reached their place.
    wait_for(bay)?;
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
        packed: disk
            .packing()
            .map(|_| DrainPacked::new(device.clone()))
            .transpose()?,
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
        "no room is left elsewhere"
    } else {
        "out of memory"
    };
    let left = disk.used();
    pr_err!(
        "{}: stopped with {} bytes still on it: {}\n",
        path,
        left,
        why
    );
}

/// Checks that nothing on the disk is in use any more. `EBUSY`: something is, and no slot says so.
#[inline(never)]
fn check_empty(device: &Device, bay: &Bay) -> Result {
    // What a slot frees stays in use for a moment longer than its entry.
    wait_for(bay)?;
    let used = || {
        bay.enter()
            .map(|entered| entered.disk().used())
            .ok_or(ENOENT)
    };
    if used()? == 0 {
        return Ok(());
    }
    // Whoever had claimed places here has sent his pages by now, and their bios keep the disk until it has
    // answered: only then are the places nobody's.
    wait_for(bay)?;
    device.leftovers.answered(device.disks(), bay.number());
    let used = used()?;
    if used == 0 {
        return Ok(());
    }
    let entered = bay.enter().ok_or(ENOENT)?;
    let disk = entered.disk();
    pr_err!(
        "{}: {} bytes of it are still in use although no slot refers to it\n",
        disk.path(),
        used
    );
    Err(EBUSY)
}

/// Checks that there is room elsewhere for the pages on the disk. Pages that go to the ram tier are
/// counted as incompressible.
#[inline(never)]
fn check_room(device: &Device, disk: &Disk) -> Result {
    let ram = device.ram();
    let in_ram = ram.room();
    let room = device.disks().room().saturating_add(in_ram);
    let packs = disk.packing().map(Packing::packs).unwrap_or_default();
    let whole = disk.used().saturating_sub(packs.segment_bytes);
    // A packed page stays packed in memory, and on some disks.
    let stays = device
        .disks()
        .active()
        .any(|d| d.disk().packing().is_some())
        || whole.saturating_add(packs.bytes) <= in_ram;
    let packed = if stays {
        packs.segment_bytes
    } else {
        bytes(packs.pages)
    };
    let missing = whole.saturating_add(packed).saturating_sub(room);
    if missing == 0 {
        return Ok(());
    }
    pr_err!(
        "{}: its pages need {} bytes more elsewhere; add a disk first, or raise ram_limit\n",
        disk.path(),
        missing
    );
    Err(ENOSPC)
}

/// How many times at most the drain tries to move packed pages. By then eight disks would count as
/// failed.
const ROUNDS: usize = 64;

fn errors_of(disk: &Disk) -> u64 {
    disk.health().errors()
}

/// How many times the drain tries to move a cluster's pages when a disk fails to take some.
const ATTEMPTS: usize = 4;

/// The state of a drain.
struct Drainer<'a> {
    mover: KBox<Mover>,
    /// The slots of the current cluster whose pages lie on the disk.
    places: KVec<(Slot, Place)>,
    disk: &'a Entered<'a>,
    force: bool,
    /// Disks that failed to take pages of the current cluster.
    failing: Chosen,
    /// Pages that can't be read: of the current cluster, and of those before.
    unreadable_here: usize,
    unreadable: usize,
    /// Moves packed pages, if the disk can have some.
    packed: Option<KBox<DrainPacked>>,
}

/// A set of the buffer's pages, or of the disks, by index.
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
    /// It could not be read.
    Unreadable,
    /// To a disk.
    Disk(Place),
    /// To the ram tier, which holds it already.
    Ram(Owned),
    /// There is no room for it.
    None,
}

impl Drainer<'_> {
    /// Moves all pages away, cluster by cluster. Clusters that are created meanwhile have no page on the
    /// disk.
    #[inline(never)]
    fn drain_all(&mut self, path: &CStr) -> Result {
        self.drain_whole()
            .and_then(|()| self.drain_packed())
            .inspect_err(|error| {
                if matches!(*error, ENOSPC | ENOMEM) {
                    stopped(path, self.disk.disk(), *error);
                }
            })
    }

    fn drain_whole(&mut self) -> Result {
        let device = self.mover.device().clone();
        let disk = self.disk.disk();
        for overview in clusters(&device) {
            check(disk)?;
            if !self.mover.has_room() {
                disk.health().set_moved(0);
                self.mover.flush();
            }
            let moved = self.drain(overview.number);
            disk.health().set_moved(bytes(self.mover.waiting()));
            trace::drain(overview.number, &moved);
            moved?;
        }
        disk.health().set_moved(0);
        self.mover.flush();
        Ok(())
    }

    /// Moves all packed pages away. Repeats that as long as it moves pages that had no room before.
    #[inline(never)]
    fn drain_packed(&mut self) -> Result {
        let device = self.mover.device();
        let (disk, force) = (self.disk, self.force);
        let Some(packed) = &mut self.packed else {
            return Ok(());
        };
        let mut attempts = 0usize;
        for _ in 0..ROUNDS {
            let errors = device.disks().sum(errors_of);
            packed.unreadable = 0;
            for overview in clusters(device) {
                check(disk.disk())?;
                let go_on = || check(disk.disk());
                let pages = packed.drain(device, disk, overview.number, force, go_on)?;
                if pages != 0 {
                    trace::drain(overview.number, &Ok(pages));
                }
            }
            packed.finish()?;
            if disk.disk().packed_pages() <= u64::try_from(packed.unreadable).unwrap_or(0) {
                self.unreadable = self.unreadable.saturating_add(packed.unreadable);
                return Ok(());
            }
            // A disk that fails to take pages is tried again until it counts as failed.
            if device.disks().sum(errors_of) == errors {
                attempts = attempts.saturating_add(1);
            }
            if attempts == ATTEMPTS {
                break;
            }
        }
        Err(ENOSPC)
    }

    /// Moves a cluster's pages away. Returns how many there were.
    #[inline(never)]
    fn drain(&mut self, number: ClusterNumber) -> Result<usize> {
        let device = self.mover.device().clone();
        let from = device.index().home(&Pinned::new(), number);
        let from = from.filter(|home| home.disk == self.disk.number());
        self.look(number);
        let pages = self.places.len();
        if pages == 0 {
            return Ok(0);
        }
        // A whole cluster stays whole if another disk has an empty physical cluster for it.
        if let (Some(from), Some((first, _))) = (from, self.places.first()) {
            let to = device.disks().new_home(first.offset());
            if let Some(to) = to {
                if self.rehome(number, from, to)? {
                    return Ok(pages);
                }
            }
        }
        let mut result = Ok(());
        self.failing = Chosen::default();
        for _ in 0..ATTEMPTS {
            self.look(number);
            self.unreadable_here = 0;
            result = self.move_places();
            if result != Err(ENOSPC) {
                break;
            }
        }
        self.unreadable = self.unreadable.saturating_add(self.unreadable_here);
        self.mover.collapse(number);
        result.map(|()| pages)
    }

    fn move_places(&mut self) -> Result {
        for (start, end) in chunks(self.places.len()) {
            self.move_chunk(start, end)?;
        }
        Ok(())
    }

    /// Collects the slots of a cluster whose pages lie on the disk.
    fn look(&mut self, number: ClusterNumber) {
        let Self { places, disk, .. } = self;
        places.clear();
        self.mover
            .device()
            .index()
            .scan(&Pinned::new(), number, |slot, content| match content {
                Some(Content::Disk(place)) if place.disk == disk.number() => {
                    // The capacity is all slots of a cluster.
                    let _ = places.push_within_capacity((slot, place));
                }
                _ => {}
            });
    }

    /// Moves all pages of a whole cluster to another home. `false`: that failed, and nothing has
    /// changed.
    #[inline(never)]
    fn rehome(&mut self, number: ClusterNumber, from: Home, mut to: NewHome<'_>) -> Result<bool> {
        let device = self.mover.device().clone();
        let home = to.home();
        let mut claimed = KVec::with_capacity(SLOTS_PER_CLUSTER, GFP_KERNEL)?;
        for (slot, _) in &self.places {
            let Some((place, _)) = to.claim(slot.offset()) else {
                break;
            };
            let _ = claimed.push_within_capacity(place);
        }
        let mut result = Ok(());
        let mut copied = claimed.len() == self.places.len();
        let mut unwritten = None;
        for (start, end) in chunks(self.places.len()) {
            if !copied {
                break;
            }
            match self.read(start, end) {
                Ok(failed) => copied = failed.is_none(),
                Err(error) => {
                    copied = false;
                    result = Err(error);
                }
            }
            let chunk = self.places.get(start..end).unwrap_or(&[]);
            if copied {
                let buffer = take(&mut self.mover.buffer);
                let mut write = BufferTransfer::write(device.reserves(), buffer);
                for (index, (slot, _)) in (0..CHUNK).zip(chunk) {
                    write.add(index, &to.entered, home.place(slot.offset()).slot);
                }
                match self.wait_write(write, &mut claimed)? {
                    Some(failed) => {
                        copied = failed.is_none();
                        unwritten = Some(failed);
                    }
                    None => return Ok(false),
                }
            }
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
        for (slot, old) in self.places.iter().take(claimed.len()) {
            let offset = slot.offset();
            if done && used.test(offset) {
                device.disks().free(&cpu, *old);
                moved = moved.saturating_add(1);
            } else {
                // The slot was freed meanwhile, or its page was not copied.
                let unused = Owned::disk(home.place(offset));
                match &unwritten {
                    Some(failed) => device.release(&cpu, unused, &[failed]),
                    None => device.release(&cpu, unused, &[]),
                }
            }
        }
        device.tally(&cpu).count(Counter::DrainedPages, moved);
        drop(cpu);
        result.map(|()| done)
    }

    /// Waits for pages that are being written to those places. Returns the failed ones, or `None` if a
    /// disk does not answer. In that case, and when the removal has to stop, the writes are left under
    /// way, and all the places stay claimed until the writes have ended.
    #[inline(never)]
    fn wait_write(
        &mut self,
        write: BufferTransfer<Store>,
        places: &mut KVec<Place>,
    ) -> Result<Option<Failed>> {
        let device = self.mover.device();
        let disk = self.disk.disk();
        let is_stuck = || {
            let mut places = places.iter();
            places.any(|place| device.disks().is_stuck(place.disk))
        };
        match write.wait_while(|| !is_stuck() && check(disk).is_ok()) {
            Ok((buffer, failed)) => {
                self.mover.buffer = buffer;
                Ok(Some(failed))
            }
            Err(write) => {
                let places = take(places);
                for place in &places {
                    self.failing.choose(place.disk.index());
                }
                device
                    .leftovers
                    .leave(device.disks(), Left::Write(write, places, KVec::new()));
                self.mover.buffer = Buffer::new(CHUNK)?;
                check(disk).map(|()| None)
            }
        }
    }

    /// Reads the pages from index `start` to `end` into the buffer. Returns the failed ones.
    #[inline(never)]
    fn read(&mut self, start: usize, end: usize) -> Result<Failed> {
        let device = self.mover.device().clone();
        let buffer = take(&mut self.mover.buffer);
        let mut read = BufferTransfer::read(device.reserves(), buffer);
        let chunk = self.places.get(start..end).unwrap_or(&[]);
        for (index, (_, place)) in (0..CHUNK).zip(chunk) {
            read.add(index, self.disk, place.slot);
        }
        self.wait_read(read)
    }

    /// Waits for a read, unless the removal has to stop.
    #[inline(never)]
    fn wait_read(&mut self, read: BufferTransfer<Load>) -> Result<Failed> {
        let disk = self.disk.disk();
        match read.wait_while(|| check(disk).is_ok()) {
            Ok((buffer, failed)) => {
                self.mover.buffer = buffer;
                Ok(failed)
            }
            Err(read) => {
                let device = self.mover.device().clone();
                device.leftovers.leave(device.disks(), Left::Read(read));
                self.mover.buffer = Buffer::new(CHUNK)?;
                check(disk).and(Err(ECANCELED))
            }
        }
    }

    /// Reads those pages again, one by one, that could not be read together with others: it may be a
    /// single page that can't be read. Returns the pages that can't.
    #[inline(never)]
    fn read_again(&mut self, start: usize, end: usize, failed: &Failed) -> Result<Chosen> {
        let mut unreadable = Chosen::default();
        if failed.is_none() {
            return Ok(unreadable);
        }
        let device = self.mover.device().clone();
        for index in 0..end.saturating_sub(start).min(CHUNK) {
            let place = self.places.get(start.saturating_add(index));
            let Some((_, place)) = place.filter(|(_, place)| failed.has(*place)).copied() else {
                continue;
            };
            let buffer = take(&mut self.mover.buffer);
            let mut read = BufferTransfer::read(device.reserves(), buffer);
            read.add(index, self.disk, place.slot);
            if !self.wait_read(read)?.is_none() {
                unreadable.choose(index);
            }
        }
        Ok(unreadable)
    }

    /// Moves the pages from index `start` to `end` away, one by one.
    #[inline(never)]
    fn move_chunk(&mut self, start: usize, end: usize) -> Result {
        let device = self.mover.device().clone();
        let unread = self.read(start, end)?;
        let unreadable = self.read_again(start, end, &unread)?;
        drop(unread);
        let chunk = self.places.get(start..end).unwrap_or(&[]);
        let mut stay = Stay::default();
        let mut targets = KVec::with_capacity(CHUNK, GFP_KERNEL)?;
        let mut to = KVec::with_capacity(CHUNK, GFP_KERNEL)?;
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
                // Disks that failed before are the last resort.
                run = run.or_else(|| device.disks().allocate(&Allocating::Mover, 1));
                let place = run.as_mut().and_then(|run| {
                    stay.at(&run.entered);
                    let (place, slot) = run.take()?;
                    write.add(index, &run.entered, slot);
                    let _ = to.push_within_capacity(place);
                    Some(place)
                });
                place.map_or(Target::None, Target::Disk)
            };
            let _ = targets.push_within_capacity(target);
        }
        drop(run);
        let unwritten = match self.wait_write(write, &mut to) {
            Ok(Some(unwritten)) => unwritten,
            other => {
                release(&device, targets);
                return other.and(Err(ENOSPC));
            }
        };
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
        let device = self.mover.device().clone();
        if !device.ram().keeps_pages() {
            return None;
        }
        let mut context = Lazy::new(device.contexts());
        let stored = device.ram().store(page, context.get().ok()?);
        stored.unwrap_or_else(|_| device.ram().store_raw(page)).ok()
    }
}

/// Where each chunk of that many pages starts and ends.
fn chunks(pages: usize) -> impl Iterator<Item = (usize, usize)> {
    let starts = (0..pages).step_by(CHUNK);
    starts.map(move |start| (start, start.saturating_add(CHUNK).min(pages)))
}

/// Frees what was stored in the ram tier for pages that stay where they are.
#[cold]
#[inline(never)]
fn release(device: &Device, targets: KVec<Target>) {
    for target in targets {
        if let Target::Ram(new) = target {
            device.release(&Pinned::new(), new, &[]);
        }
    }
}

/// Allocates up to `want` slots on disks that have not failed to take pages.
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
                spare = OwnedTable::wait();
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

/// How many bytes a drain has moved, and how many it has to move, for the user.
pub(crate) fn drained(disk: &Disk) -> Option<(u64, u64)> {
    disk.health().drained(disk.used())
}
