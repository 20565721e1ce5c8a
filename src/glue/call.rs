// SPDX-License-Identifier: GPL-2.0-only

//! What the swap core asked for: folios to be written or read, until it is told how that went.
//!
//! C headers: `include/linux/swap_ops.h`, `mm/page_io.c`

use super::bay::Entered;
use super::bindings;
use super::cpu::Pinned;
use super::held::PinnedSlot;
use super::transfer::{Failed, Reserves, Transfer, BIO_PAGES};
use crate::device::Device;
use crate::disk::Disk;
use crate::engine::page::{Page, PAGE_SIZE};
use crate::engine::slot::{PhysicalSlot, Slot};
use crate::engine::traffic::Direction;
use core::marker::PhantomData;
use core::ptr::NonNull;
use kernel::ffi::c_int;
use kernel::prelude::*;

/// A call that pages are stored for.
pub(crate) enum Store {}

/// A call that pages are loaded for.
pub(crate) enum Load {}

/// Which way a call's pages go.
pub(crate) trait Way {
    /// As a direction.
    const DIRECTION: Direction;
}

impl Way for Store {
    const DIRECTION: Direction = Direction::Write;
}

impl Way for Load {
    const DIRECTION: Direction = Direction::Read;
}

/// A call that is not completed, as the swap core knows it.
///
/// # Invariants
///
/// The call is completed once, by [`complete`](Self::complete), and its folios are locked or
/// under writeback until then.
#[derive(Clone, Copy)]
pub(super) struct RawCall(NonNull<bindings::swap_iocb>);

impl RawCall {
    /// Tells the swap core how it went. In any context.
    ///
    /// # Safety
    ///
    /// Called once for a call, which is not used afterwards.
    pub(super) unsafe fn complete(self, result: Result) {
        let error = result.map_or_else(|error| error.to_errno(), |()| 0);
        // SAFETY: as this function requires.
        unsafe { bindings::vswap_io_complete(self.0.as_ptr(), error) }
    }
}

/// A call. Dropping it completes it with an error.
///
/// # Invariants
///
/// This value is the one that completes the call.
pub(crate) struct Call<W: Way> {
    raw: RawCall,
    device: NonNull<Device>,
    disk_io: DiskIo<W>,
}

/// A call's pages, from first to last.
pub(crate) struct Pages<'a, W: Way> {
    raw: RawCall,
    bvec: usize,
    folios: u16,
    /// As many as there are, and no more than a bio takes.
    pages: u16,
    folio: Folio,
    _call: PhantomData<(&'a (), W)>,
}

/// What is left of a folio.
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
/// is stable while it is stored, and nobody else's while it is loaded.
pub(crate) struct CallPage<'a, W: Way> {
    slot: PinnedSlot<'a>,
    page: NonNull<Page>,
    folios: u16,
    pages: u16,
    _call: PhantomData<(&'a (), W)>,
}

/// A call's pages that go to disks or come from there.
pub(crate) struct DiskIo<W: Way>(Option<Transfer>, PhantomData<W>);

impl<W: Way> Call<W> {
    /// A call of the swap core's.
    ///
    /// # Safety
    ///
    /// `ctx` is what the swap core gave to the operation of that way, just now, for an area
    /// that belongs to the device.
    pub(super) unsafe fn new(ctx: *mut bindings::swap_io_ctx, device: &Device) -> Self {
        // SAFETY: as this function requires.
        let sio = unsafe {
            let rw = c_int::from(W::DIRECTION == Direction::Write);
            bindings::vswap_io_prepare(ctx, rw);
            NonNull::new_unchecked((*ctx).sio)
        };
        Self {
            raw: RawCall(sio),
            device: NonNull::from(device),
            disk_io: DiskIo(None, PhantomData),
        }
    }

    /// The pages, and the way to and from disks, for one walk through the pages.
    #[inline]
    pub(crate) fn split(&mut self) -> (Pages<'_, W>, &mut DiskIo<W>) {
        let pages = Pages {
            raw: self.raw,
            bvec: 0,
            folios: 1,
            pages: 1,
            folio: Folio {
                first: Slot::new(0),
                start: core::ptr::null_mut(),
                pages: 0,
            },
            _call: PhantomData,
        };
        (pages, &mut self.disk_io)
    }

    /// Waits for the pages that are on their way, if any are. Gives what failed. May sleep.
    pub(crate) fn wait(&mut self) -> Option<Failed> {
        self.disk_io.0.take().map(Transfer::wait)
    }

    /// Whether a page is on its way to a disk or from one.
    pub(crate) fn is_under_way(&self) -> bool {
        self.disk_io.0.is_some()
    }

    /// Has the swap core told of the result, when all pages that are on their way are there.
    /// What is under way and fails is an error besides; for a store the device is asked to
    /// [repair](Device::repair) first.
    #[inline]
    pub(crate) fn finish(mut self, result: Result) {
        let (raw, device, transfer) = (self.raw, self.device, self.disk_io.0.take());
        core::mem::forget(self);
        match transfer {
            None => {
                // SAFETY: by the invariant it is completed here, and the value is gone.
                unsafe { raw.complete(result) }
            }
            Some(transfer) => transfer.leave(raw, device, W::DIRECTION, result),
        }
    }
}

impl<W: Way> Drop for Call<W> {
    fn drop(&mut self) {
        // What is under way is waited for.
        drop(self.disk_io.0.take());
        // SAFETY: by the invariant it is completed here, and the value goes.
        unsafe { self.raw.complete(Err(EIO)) }
    }
}

impl<W: Way> DiskIo<W> {
    /// Sends a page to a slot of a disk, or has it come from there. May sleep.
    #[inline]
    pub(crate) fn add(
        &mut self,
        reserves: &Reserves,
        page: &CallPage<'_, W>,
        entered: &Entered<'_>,
        slot: PhysicalSlot,
    ) {
        if page.copy(entered.disk(), slot) {
            return reserves.copied(&Pinned::new(), W::DIRECTION, entered.disk());
        }
        let transfer = self
            .0
            .get_or_insert_with(|| Transfer::new(reserves, page.folios, page.pages));
        // SAFETY: by its invariant nobody else uses the page until its call is completed, and
        // the call completes after its transfer.
        unsafe { transfer.add(W::DIRECTION, entered, slot, page.page) }
    }
}

impl<'a, W: Way> Iterator for Pages<'a, W> {
    type Item = CallPage<'a, W>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.folio.pages == 0 {
            self.folio = self.next_folio()?;
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
        // SAFETY: the swap core keeps a folio locked or under writeback, and with it its slots
        // as they are, until the call is completed.
        let slot = unsafe { PinnedSlot::new(first) };
        // INVARIANT: as above; the disk asks for stable writes, so what is under writeback is
        // not written to, and what is read is locked and not up to date.
        Some(CallPage {
            slot,
            page: NonNull::new(start)?,
            folios: self.folios,
            pages: self.pages,
            _call: PhantomData,
        })
    }
}

impl<W: Way> Pages<'_, W> {
    /// The pages that are left of the folio at hand, the one given out last included.
    pub(crate) fn left_in_folio(&self) -> usize {
        self.folio.pages.saturating_add(1)
    }

    fn next_folio(&mut self) -> Option<Folio> {
        // SAFETY: the call is not completed, as `self` has borrowed it.
        let sio = unsafe { self.raw.0.as_ref() };
        if self.bvec >= usize::try_from(sio.nr_bvecs).ok()? {
            return None;
        }
        let bvec = sio.bvecs.get(self.bvec)?;
        self.bvec = self.bvec.saturating_add(1);
        self.folios = u16::try_from(sio.nr_bvecs).ok()?;
        let pages = usize::try_from(sio.len).ok()? / PAGE_SIZE;
        self.pages = u16::try_from(pages).map_or(BIO_PAGES, |pages| pages.min(BIO_PAGES));
        let mut slot = 0;
        // SAFETY: the swap core fills a bvec with a whole folio, which is in the swap cache and
        // pinned until the call is completed. 64-bit kernels map all memory.
        let start = unsafe { bindings::vswap_bvec_folio(bvec, &mut slot) };
        // The swap core's slots have 32 bits, and a folio has at least one page.
        Some(Folio {
            first: Slot::new(u32::try_from(slot).ok()?),
            start: start.cast(),
            pages: usize::try_from(bvec.bv_len).ok()? / PAGE_SIZE,
        })
    }
}

impl<'a, W: Way> CallPage<'a, W> {
    /// The slot.
    #[inline]
    pub(crate) fn slot(&self) -> &PinnedSlot<'a> {
        &self.slot
    }

    /// Copies the page to a slot of a disk, or from there, when the disk is memory. Says whether
    /// that was done. Does not sleep.
    #[inline]
    pub(crate) fn copy(&self, disk: &Disk, slot: PhysicalSlot) -> bool {
        // SAFETY: by the invariant the page is stable while it is stored; while it is loaded, it
        // is nobody else's, and is lent out by `parts` only to who has this value to himself.
        unsafe { disk.backing().copy(W::DIRECTION, slot, self.page) }
    }
}

impl CallPage<'_, Store> {
    /// The page to be stored.
    #[inline]
    pub(crate) fn contents(&self) -> &Page {
        // SAFETY: by the invariant it is stable.
        unsafe { self.page.as_ref() }
    }
}

impl<'a> CallPage<'a, Load> {
    /// The slot, and the page to be filled.
    #[inline]
    pub(crate) fn parts(&mut self) -> (&PinnedSlot<'a>, &mut Page) {
        // SAFETY: by the invariant it is nobody else's, and a walk gives out each page once.
        (&self.slot, unsafe { self.page.as_mut() })
    }
}

/// A store of which a page did not get to its disk, or found no room.
pub(crate) struct Broken {
    call: Call<Store>,
    result: Result,
    failed: Failed,
}

impl Broken {
    /// The call, with nothing under way any more.
    ///
    /// # Safety
    ///
    /// The call is the caller's to complete, and was made for the device that this goes to.
    pub(super) unsafe fn new(
        raw: RawCall,
        device: NonNull<Device>,
        result: Result,
        failed: Failed,
    ) -> Self {
        Self {
            call: Call {
                raw,
                device,
                disk_io: DiskIo(None, PhantomData),
            },
            result,
            failed,
        }
    }

    /// The parts: the call, what came of the pages that were not sent to disks, and what did
    /// not get there.
    pub(crate) fn into_parts(self) -> (Call<Store>, Result, Failed) {
        (self.call, self.result, self.failed)
    }
}
