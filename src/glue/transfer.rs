// SPDX-License-Identifier: GPL-2.0-only

//! Pages on their way to and from disks: requests made of bios.
//!
//! C headers: `include/linux/bio.h`, `include/linux/completion.h`

use super::bindings;
use super::bio::{self, Unit};
use super::clock;
use super::cpu::Pinned;
use super::platform::Kernel;
use super::request::{self, Extent, Failed, Kept, Pending, Repair, Request};
use super::reserves::Reserves;
use super::swap_ops::RawCall;
use super::target::Target;
use super::wait::Pause;
use crate::engine::bay::Entered;
use crate::engine::page::Page;
use crate::engine::slot::PhysicalSlot;
use crate::engine::traffic::Direction;
use core::mem::MaybeUninit;
use core::ptr::NonNull;
use core::sync::atomic::Ordering;
use kernel::prelude::*;

/// The most pages in a bio, in pages: 1 MiB.
pub(super) const BIO_PAGES: u16 = 256;

/// How often a task that waits for a request checks whether to go on, in milliseconds.
const ASKING_MS: u32 = 100;

/// Reserves for transfers to such disks. May sleep.
pub(crate) fn reserves<T: Target>() -> Result<Reserves> {
    Reserves::with_room(size_of::<Request<T>>(), size_of::<Unit<T>>())
}

/// A bio that is not submitted yet.
struct Open<T> {
    bio: NonNull<kernel::bindings::bio>,
    disk: NonNull<T>,
    direction: Direction,
    next: PhysicalSlot,
    pages: u32,
}

impl<T: Target> Open<T> {
    /// Whether such a page may come next.
    #[inline]
    fn may_have(&self, direction: Direction, disk: &T, slot: PhysicalSlot) -> bool {
        self.disk == NonNull::from(disk)
            && self.direction == direction
            && self.next == slot
            && self.pages < disk.bio_pages().min(u32::from(BIO_PAGES))
    }
}

/// A single slot of a disk.
fn extent<T: Target>(
    entered: &Entered<'_, Kernel, T>,
    first: PhysicalSlot,
    is_bad: bool,
) -> Extent<T> {
    Extent {
        number: entered.number(),
        first,
        count: 1,
        is_bad,
        keep: Kept::new(entered),
    }
}

/// A request under construction.
///
/// Bios are submitted as soon as they can't grow, in the order in which pages were added.
///
/// # Invariants
///
/// `request` has this value's count in `remaining` unless `is_left`; the pages of its bios stay
/// unchanged, or are the bios' to write to, until the request ends.
pub(super) struct Transfer<T: Target> {
    request: NonNull<Request<T>>,
    open: Option<Open<T>>,
    pieces: u16,
    pages: u16,
    /// The count was dropped, and nothing is added any more.
    is_left: bool,
}

// SAFETY: what is shared with the bios works in contexts of any kind, and the request may be
// ended and freed by any thread.
unsafe impl<T: Target> Send for Transfer<T> {}

impl<T: Target> Transfer<T> {
    /// A request without pages, with room for `pieces` pieces of memory in `pages` pages. If bounce
    /// pages are written instead, each page is a piece. May sleep, but not until memory is reclaimed.
    pub(super) fn new(reserves: &Reserves, pieces: u16, pages: u16) -> Self {
        Self {
            // INVARIANT: the count is this value's.
            request: Request::alloc(reserves),
            open: None,
            pieces,
            pages,
            is_left: false,
        }
    }

    /// Adds a page that goes to that slot of the disk, or comes from there.
    ///
    /// # Safety
    ///
    /// The page stays, and nobody else writes to it (nor, when it is being read, looks at it),
    /// until the request ends.
    pub(super) unsafe fn add(
        &mut self,
        direction: Direction,
        entered: &Entered<'_, Kernel, T>,
        slot: PhysicalSlot,
        page: NonNull<Page>,
    ) {
        // SAFETY: as this function requires.
        if unsafe { self.copied(direction, entered.disk(), slot, page) } {
            return;
        }
        let grows = self
            .open
            .as_ref()
            .is_some_and(|open| open.may_have(direction, entered.disk(), slot));
        if !grows {
            self.submit();
            if direction == Direction::Write && !entered.disk().wait_for_turn() {
                return self.fail(entered, slot, false);
            }
        }
        let page = match direction {
            // SAFETY: as this function requires.
            Direction::Write => match unsafe { self.outgoing(entered.disk(), slot, page) } {
                Some(page) => page,
                None => return self.fail(entered, slot, true),
            },
            Direction::Read => page,
        };
        if let Some(open) = &mut self.open {
            // SAFETY: the bio is not submitted; the page is in the direct map.
            if grows && unsafe { bindings::vswap_bio_add(open.bio.as_ptr(), page.as_ptr().cast()) }
            {
                open.pages = open.pages.saturating_add(1);
                open.next = slot.next();
                return;
            }
        }
        self.submit();
        let pieces = match (direction, entered.disk().cipher()) {
            (Direction::Write, Some(_)) => self.pages,
            _ => self.pieces,
        };
        let extent = extent(entered, slot, false);
        let disk = NonNull::from(extent.keep.disk());
        // SAFETY: the reserves outlive the request, which their drop waits for; the section keeps the
        // disk, and with it its block device, until the unit is dropped. The bio has room in
        // front for a unit. If the page is not in it, nobody has seen it, or the bounce page.
        let bio = unsafe {
            let bio = bindings::vswap_bio_new(
                self.request.as_ref().reserves.as_ref().io(),
                entered.disk().backing().bdev(),
                direction == Direction::Write,
                disk.as_ref().bio_pages() == 1,
                slot.number(),
                pieces,
                Some(bio::ended::<T>),
            );
            if !bindings::vswap_bio_add(bio, page.as_ptr().cast()) {
                kernel::bindings::bio_put(bio);
                if let (Direction::Write, Some(cipher)) = (direction, entered.disk().cipher()) {
                    cipher.give_back(page);
                }
                return self.fail(entered, slot, false);
            }
            bio::unit_of(bio).write(Unit {
                work: MaybeUninit::uninit(),
                request: self.request,
                extent,
                direction,
                ticket: disk.as_ref().begin(),
            });
            NonNull::new_unchecked(bio)
        };
        self.open = Some(Open {
            bio,
            disk,
            direction,
            next: slot.next(),
            pages: 1,
        });
    }

    /// Copies a page to a disk that is memory, or from there. Says whether that was done.
    ///
    /// # Safety
    ///
    /// As for [`add`](Self::add), until this returns.
    unsafe fn copied(
        &self,
        direction: Direction,
        disk: &T,
        slot: PhysicalSlot,
        page: NonNull<Page>,
    ) -> bool {
        // SAFETY: as this function requires.
        let done = unsafe { disk.backing().copy(direction, slot, page) };
        self.has_copied(disk, direction, u32::from(done));
        done
    }

    /// Copies pages to consecutive slots of a disk that is memory. Returns how many were copied, from
    /// the first one on.
    ///
    /// # Safety
    ///
    /// As for [`add`](Self::add), until this returns.
    pub(super) unsafe fn copy_run(
        &self,
        disk: &T,
        slot: PhysicalSlot,
        pages: &[NonNull<Page>],
    ) -> usize {
        // SAFETY: as this function requires.
        let done = unsafe { disk.backing().write_run(slot, pages) };
        self.has_copied(disk, Direction::Write, u32::try_from(done).unwrap_or(0));
        done
    }

    /// Counts pages that were copied to a disk that is memory, or from there.
    fn has_copied(&self, disk: &T, direction: Direction, pages: u32) {
        if pages != 0 {
            // SAFETY: this has a count of the request, and the reserves outlive that.
            let reserves = unsafe { self.request.as_ref().reserves.as_ref() };
            reserves.count(&Pinned::new(), disk, direction, pages);
            disk.ended(direction, None);
        }
    }

    /// The page to write: an encrypted copy, if the disk's pages are encrypted. `None`: it
    /// can't be encrypted.
    ///
    /// # Safety
    ///
    /// The page is not written to until this returns.
    #[inline]
    unsafe fn outgoing(
        &mut self,
        disk: &T,
        slot: PhysicalSlot,
        page: NonNull<Page>,
    ) -> Option<NonNull<Page>> {
        let sent = match disk.cipher() {
            None => page,
            Some(cipher) => {
                let bounce = cipher.bounce().unwrap_or_else(|| {
                    // The bounce pages may be in the bio that waits to grow.
                    self.submit();
                    cipher.wait_for_bounce()
                });
                // SAFETY: the bounce page is ours until its bio has ended; the other one as this
                // function requires.
                unsafe {
                    if !cipher.encrypt(slot, page, bounce) {
                        cipher.give_back(bounce);
                        return None;
                    }
                }
                bounce
            }
        };
        if let Some(tags) = disk.tags() {
            // SAFETY: as above.
            unsafe { tags.set(slot, sent) };
        }
        Some(sent)
    }

    /// Records a page that could not be written, or read.
    #[cold]
    pub(super) fn fail(&self, entered: &Entered<'_, Kernel, T>, slot: PhysicalSlot, is_bad: bool) {
        // SAFETY: the request is there as long as the count is held.
        unsafe { self.request.as_ref() }.note(extent(entered, slot, is_bad));
    }

    /// Submits the bio that could still grow.
    pub(super) fn submit(&mut self) {
        let Some(open) = self.open.take() else {
            return;
        };
        // SAFETY: the bio is not submitted yet, so its unit and the disk are there; it counts
        // in `remaining` from here until it has ended.
        unsafe {
            (*bio::unit_of::<T>(open.bio.as_ptr())).extent.count = open.pages;
            self.request
                .as_ref()
                .remaining
                .fetch_add(1, Ordering::Relaxed);
            self.count(&open);
            kernel::bindings::submit_bio(open.bio.as_ptr());
        }
    }

    /// Submits what was added, and waits for it, for at most `milliseconds`. Says
    /// whether all has ended. May sleep.
    pub(super) fn wait_timeout(&mut self, milliseconds: u32) -> bool {
        self.submit();
        let mut waited = 0u32;
        let mut pause = Pause::new();
        while !self.is_done() {
            if waited >= milliseconds {
                return false;
            }
            waited = waited.saturating_add(pause.sleep());
        }
        true
    }

    /// Whether all that was added was submitted and has ended.
    pub(super) fn is_done(&self) -> bool {
        if self.is_left {
            // SAFETY: the request is this value's until it is freed.
            return unsafe {
                kernel::bindings::completion_done(&raw mut (*self.request.as_ptr()).done)
            };
        }
        // SAFETY: the request is there as long as the count is held.
        let remaining = unsafe { &self.request.as_ref().remaining };
        self.open.is_none() && remaining.load(Ordering::Acquire) == 1
    }

    fn count(&self, open: &Open<T>) {
        // SAFETY: the reserves outlive the request, and the disk stays until the bio has ended.
        let (reserves, disk) =
            unsafe { (self.request.as_ref().reserves.as_ref(), open.disk.as_ref()) };
        reserves.count(&Pinned::new(), disk, open.direction, open.pages);
    }

    /// Drops this value's count. Says whether nothing is under way any more.
    ///
    /// # Safety
    ///
    /// Called once.
    unsafe fn last(&mut self) -> bool {
        self.submit();
        // SAFETY: the request is there as long as the count is held.
        let remaining = unsafe { &self.request.as_ref().remaining };
        remaining.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// Leaves the rest to the bios: when the last one has ended, the call is completed with
    /// `result`, or with an error when a page could not be read. If a page could not be
    /// written, or the result is an error, `repair` first does what it can.
    pub(super) fn leave(
        mut self,
        call: RawCall,
        direction: Direction,
        result: Result,
        repair: Repair<T>,
    ) {
        let request = self.request;
        // SAFETY: nobody else looks at `call` before the count is dropped; the value is
        // forgotten below.
        unsafe {
            *request.as_ref().call.get() = Some(Pending {
                call,
                direction,
                result,
                repair,
            });
            if self.last() {
                request::end(request);
            }
        }
        core::mem::forget(self);
    }

    /// Drops the count, so that a waiting task is woken when all bios have ended. Nothing is added
    /// after that.
    #[inline(never)]
    fn close(&mut self) {
        if self.is_left {
            return;
        }
        // SAFETY: the count is dropped once; nobody else has a request that has ended and
        // completes no call.
        unsafe {
            if self.last() {
                kernel::bindings::complete_all(&raw mut (*self.request.as_ptr()).done);
            }
        }
        self.is_left = true;
    }

    /// Waits for all bios as long as `go_on`, which is called now and then, is true. Says whether
    /// they have ended.
    #[inline(never)]
    pub(super) fn wait_while(&mut self, go_on: impl Fn() -> bool) -> bool {
        self.close();
        let ticks = clock::ticks_of_ms(ASKING_MS);
        loop {
            // SAFETY: the request is this value's until it is freed.
            let left = unsafe {
                let done = &raw mut (*self.request.as_ptr()).done;
                kernel::bindings::wait_for_completion_io_timeout(done, ticks)
            };
            if left != 0 {
                return true;
            }
            if !go_on() {
                return false;
            }
        }
    }

    /// Waits for all bios. Returns the extents that failed.
    pub(super) fn wait(mut self) -> Failed<T> {
        self.wait_to_end();
        let request = self.request;
        core::mem::forget(self);
        // SAFETY: it has ended, and was this value's.
        unsafe { Failed::new(request) }
    }

    #[inline(never)]
    fn wait_to_end(&mut self) {
        self.close();
        // SAFETY: the request is this value's until it is freed.
        unsafe { kernel::bindings::wait_for_completion_io(&raw mut (*self.request.as_ptr()).done) }
    }
}

impl<T: Target> Drop for Transfer<T> {
    fn drop(&mut self) {
        // No task is woken; this waits for the bios' pages.
        self.wait_to_end();
        // SAFETY: it has ended, and is not used after this.
        drop(unsafe { Failed::new(self.request) });
    }
}
