// SPDX-License-Identifier: GPL-2.0-only

//! What the swap core asks for: folios written and read, slots freed.
//!
//! C headers: `include/linux/swap_ops.h`, `mm/page_io.c`

use super::bindings;
use super::held::PinnedSlot;
use crate::device::Device;
use crate::engine::page::{Page, PAGE_SIZE, PAGE_WORDS};
use crate::engine::slot::Slot;
use core::marker::PhantomData;
use kernel::ffi::c_int;
use kernel::prelude::*;

const READ: c_int = 0;
const WRITE: c_int = 1;

/// A folio to write or to read: consecutive pages for consecutive slots.
///
/// # Invariants
///
/// `start` points at `pages` pages, and the slots from `first` on are pinned as [`PinnedSlot`]
/// says, for `'a`.
struct Folio<'a> {
    first: Slot,
    start: *mut Page,
    pages: usize,
    _call: PhantomData<&'a ()>,
}

impl<'a> Folio<'a> {
    fn slots(&self) -> impl Iterator<Item = PinnedSlot<'a>> + Clone {
        let first = self.first;
        (0..self.pages).filter_map(move |i| {
            let slot = first.checked_add(i)?;
            // SAFETY: the slot is pinned by the invariant.
            Some(unsafe { PinnedSlot::new(slot) })
        })
    }
}

/// The folios of one call.
///
/// # Safety
///
/// `ctx` is what the swap core gave to `submit_write` or `submit_read`, not completed for `'a`.
unsafe fn folios<'a>(
    ctx: *mut bindings::swap_io_ctx,
) -> impl Iterator<Item = Result<Folio<'a>>> + use<'a> {
    // SAFETY: as this function requires.
    let sio = unsafe { &*(*ctx).sio };
    let count = usize::try_from(sio.nr_bvecs).unwrap_or(0);
    sio.bvecs.iter().take(count).map(|bvec| {
        let mut slot = 0;
        // SAFETY: the swap core fills a bvec with a whole folio, which is in the swap cache and
        // pinned until the call is completed. 64-bit kernels map all memory.
        let start = unsafe { bindings::vswap_bvec_folio(bvec, &mut slot) };
        let first = Slot::new(u32::try_from(slot)?);
        // Lossless: usize has 64 bits; see `cpu`.
        let pages = bvec.bv_len as usize / PAGE_SIZE;
        // So that no page is left without its slot.
        first.checked_add(pages).ok_or(EINVAL)?;
        // INVARIANT: the swap core keeps a folio locked or under writeback, and with it its
        // slots as they are, until the call is completed.
        Ok(Folio {
            first,
            start: start.cast(),
            pages,
            _call: PhantomData,
        })
    })
}

/// The device that a swap area belongs to.
///
/// # Safety
///
/// `ctx` is what the swap core gave to one of the operations below.
unsafe fn device<'a>(ctx: *mut bindings::swap_io_ctx) -> &'a Device {
    // SAFETY: `swap_activate` set the area's `bdev` to the disk of `gendisk`, whose private data
    // is the device. The area is on, so the node is open and the module stays.
    unsafe {
        &*(*(*(*(*ctx).sis).bdev).bd_disk)
            .private_data
            .cast::<Device>()
    }
}

/// Stores folios.
///
/// # Safety
///
/// Called by the swap core, for an area that [`activate`] made.
unsafe extern "C" fn submit_write(ctx: *mut bindings::swap_io_ctx) {
    // SAFETY: the swap core's call. A folio is under writeback and, as the disk asks for stable
    // writes, is not written to until the call is completed.
    let result = unsafe {
        folios(ctx).try_for_each(|folio| {
            let folio = folio?;
            let pages = core::slice::from_raw_parts(folio.start, folio.pages);
            device(ctx).store(folio.slots().zip(pages))
        })
    };
    // SAFETY: the swap core's call, completed once, here.
    unsafe { bindings::vswap_io_complete(ctx, WRITE, errno(result)) }
}

/// Reads folios back.
///
/// # Safety
///
/// Called by the swap core, for an area that [`activate`] made.
unsafe extern "C" fn submit_read(ctx: *mut bindings::swap_io_ctx) {
    // SAFETY: the swap core's call. A folio is locked and not up to date, so nobody else looks
    // at it until the call is completed.
    let result = unsafe {
        folios(ctx).try_for_each(|folio| {
            let folio = folio?;
            let pages = core::slice::from_raw_parts_mut(folio.start, folio.pages);
            device(ctx).load(folio.slots().zip(pages))
        })
    };
    // SAFETY: the swap core's call, completed once, here.
    unsafe { bindings::vswap_io_complete(ctx, READ, errno(result)) }
}

/// Each folio is a call of its own, since a call has one result: a failed read is an error for
/// its reader alone. There is no device behind this that larger requests would be faster for.
///
/// # Safety
///
/// May be called with anything.
unsafe extern "C" fn can_merge(
    _folio: *mut kernel::bindings::folio,
    _previous: *mut kernel::bindings::folio,
    _previous_size: usize,
    _rw: c_int,
) -> bool {
    false
}

fn errno(result: Result) -> c_int {
    result.map_or_else(|error| error.to_errno(), |()| 0)
}

const _: () = assert!(size_of::<Page>() == PAGE_SIZE && PAGE_WORDS == 512);

static OPS: bindings::swap_ops = bindings::swap_ops {
    flags: 0,
    can_merge: Some(can_merge),
    submit_write: Some(submit_write),
    submit_read: Some(submit_read),
};

/// Makes a swap area, in `swapon`, one that asks the device of `bdev` for its I/O. Gives the
/// number of extents.
///
/// # Safety
///
/// `sis` is what the swap core gave to `swap_activate`, and `bdev` is the block device of a
/// `gendisk::Disk` that outlives the area.
pub(super) unsafe fn activate(
    sis: *mut kernel::bindings::swap_info_struct,
    bdev: *mut kernel::bindings::block_device,
) -> c_int {
    // SAFETY: as this function requires; `OPS` lives as long as the module, which the open node
    // keeps.
    unsafe {
        (*sis).bdev = bdev;
        // Freed slots are reported, and large folios accepted, for block devices only.
        (*sis).flags |= bindings::VSWAP_SWP_BLKDEV;
        bindings::swap_fs_activate(sis, &OPS)
    }
}

/// A slot's number as the swap core reports it when the slot is freed, in 64 bits.
pub(super) fn slot_of(offset: usize) -> Option<Slot> {
    u32::try_from(offset).ok().map(Slot::new)
}
