// SPDX-License-Identifier: GPL-2.0-only

//! Calls of the swap core: folios to be written or read, until the call is completed.
//!
//! C header: `include/linux/bvec.h`

use super::bindings;
use super::cpu::Pinned;
use super::platform::Kernel;
use super::request::{Failed, Repair};
use super::reserves::Reserves;
use super::swap_ops::{Context, RawCall};
use super::target::Target;
use super::transfer::{Transfer, BIO_PAGES};
use super::way::{Load, Store, Way};
use crate::engine::bay::Entered;
use crate::engine::held::PinnedSlot;
use crate::engine::page::{Page, PAGE_SIZE};
use crate::engine::slot::{PhysicalSlot, Slot};
use core::cell::Cell;
use core::marker::PhantomData;
use core::ptr::NonNull;
use kernel::ffi::c_void;
use kernel::pr_err_once;
use kernel::prelude::*;

/// A device that serves calls.
pub(crate) trait Serves: Sync + Sized {
    /// A disk of the device.
    type Disk: Target;

    /// Stores folios' pages in their slots. On an error all those slots are empty: the
    /// folios stay in memory, and no older copy of them is ever read.
    fn store(&self, call: &mut Call<Store, Self>) -> Result;

    /// Stores those pages of a call again that disks failed to take, once the others have
    /// reached their place; or fails the whole call, if that has failed otherwise: `result`.
    fn repair(
        &self,
        call: &mut Call<Store, Self>,
        result: Result,
        failed: &Failed<Self::Disk>,
    ) -> Result;

    /// Reads slots into a folio's pages. `EIO`: a slot is empty, or can't be
    /// read.
    fn load(&self, call: &mut Call<Load, Self>) -> Result;
}

/// A call. Dropping it completes it with an error.
///
/// # Invariants
///
/// This value alone completes the call.
pub(crate) struct Call<W: Way, D: Serves> {
    raw: RawCall,
    device: NonNull<D>,
    /// The call's pages on their way to or from disks.
    transfer: Cell<Option<Transfer<D::Disk>>>,
    _way: PhantomData<W>,
}

/// The position of a walk that has ended with an error.
const OVER: usize = usize::MAX;

/// A call's pages, from first to last: all that the swap core asked for, or an error as the last.
pub(crate) struct Pages<'a, W: Way, D: Serves> {
    call: &'a Call<W, D>,
    bvec: usize,
    /// Bytes of the folios that were returned.
    bytes: usize,
    folio: Folio,
}

/// The rest of a folio.
#[derive(Clone, Copy)]
struct Folio {
    first: Slot,
    start: *mut Page,
    pages: usize,
}

/// A page of a call, and its slot.
///
/// # Invariants
///
/// `page` is a page of a folio of the call, whose slots are pinned as [`PinnedSlot`] says; it
/// is stable while it is stored, and used by nobody else while it is loaded.
pub(crate) struct CallPage<'a, W: Way, D: Serves> {
    slot: PinnedSlot<'a>,
    page: NonNull<Page>,
    call: &'a Call<W, D>,
}

impl<D: Serves> Call<Store, D> {
    /// Has the device store the pages.
    pub(super) fn store(mut self) {
        let device = self.device;
        // SAFETY: the device is there as long as the call is not completed.
        let result = unsafe { device.as_ref() }.store(&mut self);
        self.finish(result);
    }

    /// Has the device store those pages of a call elsewhere that did not reach their disks.
    ///
    /// # Safety
    ///
    /// The call is the caller's to complete, was made for that device, which is a `D`, and nothing
    /// of it is under way.
    unsafe fn repair(
        device: NonNull<c_void>,
        raw: RawCall,
        result: Result,
        failed: Failed<D::Disk>,
    ) {
        let mut call = Self {
            raw,
            device: device.cast(),
            transfer: Cell::new(None),
            _way: PhantomData,
        };
        // SAFETY: the device is there as long as the call is not completed.
        let result = unsafe { call.device.as_ref() }.repair(&mut call, result, &failed);
        // Its request belongs to the device, which may go when the call is completed.
        drop(failed);
        call.finish(result);
    }
}

impl<D: Serves> Call<Load, D> {
    /// Has the device load the pages.
    pub(super) fn load(mut self) {
        let device = self.device;
        // SAFETY: as in `store`.
        let result = unsafe { device.as_ref() }.load(&mut self);
        self.finish(result);
    }
}

impl<W: Way, D: Serves> Call<W, D> {
    /// A call of the swap core.
    ///
    /// # Safety
    ///
    /// `ctx` is what the swap core gave to the operation of that way, just now, for an area
    /// that belongs to the device.
    pub(super) unsafe fn new(ctx: *mut Context, device: &D) -> Self {
        Self {
            // SAFETY: as this function requires; this value completes it.
            raw: unsafe { RawCall::new(ctx, W::DIRECTION) },
            device: NonNull::from(device),
            transfer: Cell::new(None),
            _way: PhantomData,
        }
    }

    /// A walk through the pages.
    #[inline]
    pub(crate) fn pages(&mut self) -> Pages<'_, W, D> {
        Pages {
            call: self,
            bvec: 0,
            bytes: 0,
            folio: Folio {
                first: Slot::new(0),
                start: core::ptr::null_mut(),
                pages: 0,
            },
        }
    }

    /// Waits for pages under way, if any are, for at most `milliseconds`.
    /// Returns what failed; pages that took longer are still [under way](Self::is_under_way).
    /// May sleep.
    pub(crate) fn wait(&mut self, milliseconds: u32) -> Option<Failed<D::Disk>> {
        if !self.transfer.get_mut().as_mut()?.wait_timeout(milliseconds) {
            return None;
        }
        self.transfer.take().map(Transfer::wait)
    }

    /// Whether a page is on its way to or from a disk.
    pub(crate) fn is_under_way(&mut self) -> bool {
        self.transfer.get_mut().is_some()
    }

    /// Reports the result to the swap core, when all pages under way have arrived.
    /// A page that fails is an error as well; for a store the device is asked to
    /// [repair](Serves::repair) first.
    ///
    /// The last use of the device: when no call is left, it may be swapped off and go.
    #[inline]
    fn finish(self, result: Result) {
        let (raw, device, transfer) = (self.raw, self.device, self.transfer.take());
        core::mem::forget(self);
        match transfer {
            None => {
                // SAFETY: by the invariant it is completed here, and the value is gone.
                unsafe { raw.complete(result) }
            }
            Some(transfer) => {
                let repair = Repair {
                    device: device.cast(),
                    call: Call::<Store, D>::repair,
                };
                transfer.leave(raw, W::DIRECTION, result, repair);
            }
        }
    }
}

impl<W: Way, D: Serves> Drop for Call<W, D> {
    fn drop(&mut self) {
        // What is under way is waited for.
        drop(self.transfer.take());
        // SAFETY: by the invariant it is completed here, and the value goes.
        unsafe { self.raw.complete(Err(EIO)) }
    }
}

impl<'a, W: Way, D: Serves> Iterator for Pages<'a, W, D> {
    type Item = Result<CallPage<'a, W, D>>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.folio.pages == 0 {
            match self.next_folio() {
                Ok(folio) => self.folio = folio?,
                Err(error) => return Some(Err(error)),
            }
        }
        let Folio {
            first,
            start,
            pages,
        } = self.folio;
        self.folio = Folio {
            first: first.next(),
            start: start.wrapping_add(1),
            pages: pages.wrapping_sub(1),
        };
        // INVARIANT: the swap core keeps a folio locked or under writeback, and with it its slots
        // as they are, until the call is completed.
        let slot = PinnedSlot::new(first);
        // INVARIANT: as above; the disk asks for stable writes, so nobody writes to a page that is
        // under writeback, and what is read is locked and not up to date.
        Some(NonNull::new(start).ok_or(EIO).map(|page| CallPage {
            slot,
            page,
            call: self.call,
        }))
    }
}

impl<W: Way, D: Serves> Pages<'_, W, D> {
    /// The pages left in the current folio, including the one returned last.
    pub(crate) fn left_in_folio(&self) -> usize {
        self.folio.pages.saturating_add(1)
    }

    /// The next folio, or `None` when the call has no more.
    #[inline]
    fn next_folio(&mut self) -> Result<Option<Folio>> {
        let folios = self.call.raw.folios();
        let Some(bvec) = folios.and_then(|folios| folios.get(self.bvec)) else {
            return self.end();
        };
        let mut slot = 0;
        // SAFETY: the swap core fills a bvec with a folio, which is in the swap cache and pinned
        // until the call is completed. 64-bit kernels map all memory.
        let start = unsafe { bindings::vswap_bvec_folio(bvec, &mut slot) };
        // Lossless: usize has 64 bits.
        let bytes = bvec.bv_len as usize;
        let pages = bytes / PAGE_SIZE;
        // The swap core's slots have 32 bits.
        let last = slot.checked_add(pages.wrapping_sub(1));
        let is_possible = last.is_some_and(|last| u32::try_from(last).is_ok());
        match u32::try_from(slot) {
            Ok(first) if is_possible && pages != 0 && !start.is_null() => {
                self.bvec = self.bvec.wrapping_add(1);
                self.bytes = self.bytes.wrapping_add(bytes);
                Ok(Some(Folio {
                    first: Slot::new(first),
                    start: start.cast(),
                    pages,
                }))
            }
            _ => self.end(),
        }
    }

    /// Ends the walk, again if need be. `EIO`: the call is impossible.
    fn end(&mut self) -> Result<Option<Folio>> {
        let call = self.call.raw;
        let is_whole =
            call.folios().map(<[_]>::len) == Some(self.bvec) && call.bytes() == Some(self.bytes);
        if is_whole || self.bvec == OVER {
            return Ok(None);
        }
        self.bvec = OVER;
        pr_err_once!("the swap core made an impossible request; the call fails\n");
        Err(EIO)
    }
}

impl<'a, W: Way, D: Serves> CallPage<'a, W, D> {
    /// Transfers the page to a slot of a disk, or from there. May sleep.
    #[inline]
    pub(crate) fn send(
        self,
        reserves: &Reserves,
        entered: &Entered<'_, Kernel, D::Disk>,
        slot: PhysicalSlot,
    ) {
        if self.copy(entered.disk(), slot) {
            return reserves.copied(&Pinned::new(), W::DIRECTION, entered.disk());
        }
        let mut transfer = self.call.transfer.take().unwrap_or_else(|| {
            let pages = self.call.raw.bytes().unwrap_or(0) / PAGE_SIZE;
            // At most what a bio takes; if the room is too small, the excess fails.
            let room = |count| u16::try_from(count).map_or(BIO_PAGES, |n| n.min(BIO_PAGES));
            let folios = self.call.raw.folios().map_or(0, <[_]>::len);
            Transfer::new(reserves, room(folios), room(pages))
        });
        // SAFETY: by its invariant nobody else uses the page until its call is completed, and
        // the call completes after its transfer.
        unsafe { transfer.add(W::DIRECTION, entered, slot, self.page) }
        self.call.transfer.set(Some(transfer));
    }

    /// The slot.
    #[inline]
    pub(crate) fn slot(&self) -> &PinnedSlot<'a> {
        &self.slot
    }

    /// Copies the page to a slot of a disk, or from there, when the disk is memory. Says whether
    /// that was done. Does not sleep.
    #[inline]
    pub(crate) fn copy(&self, disk: &D::Disk, slot: PhysicalSlot) -> bool {
        // SAFETY: by the invariant the page is stable while it is stored; while it is loaded, it
        // belongs to this value, and `parts` lends it out only to its sole owner.
        unsafe { disk.backing().copy(W::DIRECTION, slot, self.page) }
    }
}

impl<D: Serves> CallPage<'_, Store, D> {
    /// The page to be stored.
    #[inline]
    pub(crate) fn contents(&self) -> &Page {
        // SAFETY: by the invariant it is stable.
        unsafe { self.page.as_ref() }
    }
}

impl<'a, D: Serves> CallPage<'a, Load, D> {
    /// Makes the swap core write the page again before it reclaims it, so that its slot need not
    /// hold it. Says whether it will: only if the call reads nothing else, which could fail.
    pub(crate) fn take_over(&self) -> bool {
        // SAFETY: by the invariant it is a page of a locked folio in the swap cache.
        unsafe { bindings::vswap_page_take_over(self.page.as_ptr().cast()) }
    }

    /// The slot, and the page to be filled.
    #[inline]
    pub(crate) fn parts(&mut self) -> (&PinnedSlot<'a>, &mut Page) {
        // SAFETY: by the invariant it is nobody else's, and a walk gives out each page once.
        (&self.slot, unsafe { self.page.as_mut() })
    }
}
