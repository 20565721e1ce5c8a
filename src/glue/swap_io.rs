// SPDX-License-Identifier: GPL-2.0-only

//! The swap core's operations: folios written and read, slots freed.
//!
//! C headers: `include/linux/swap_ops.h`, `mm/page_io.c`

use super::call::{Call, Serves};
use super::way::{Load, Store};
use super::{bindings, swap_area};
use crate::engine::page::Page;
use crate::engine::slot::Slot;
use kernel::bindings::{block_device, folio, swap_info_struct};
use kernel::ffi::c_int;
use kernel::prelude::*;

/// The device that a swap area belongs to.
///
/// # Safety
///
/// `ctx` is what the swap core gave to one of the operations below, for an area of a `D`.
unsafe fn device<'a, D>(ctx: *mut bindings::swap_io_ctx) -> &'a D {
    // SAFETY: `swap_activate` set the area's `bdev` to the disk of `gendisk`, whose private data
    // is the device. The area is on, so the node is open and the module stays.
    unsafe { &*(*(*(*(*ctx).sis).bdev).bd_disk).private_data.cast::<D>() }
}

/// Stores folios.
///
/// # Safety
///
/// Called by the swap core, for an area that [`activate`] made.
unsafe extern "C" fn submit_write<D: Serves>(ctx: *mut bindings::swap_io_ctx) {
    swap_area::page_stored();
    // SAFETY: the swap core's call.
    unsafe { Call::<Store, D>::new(ctx, device(ctx)) }.store();
}

/// Reads folios back.
///
/// # Safety
///
/// Called by the swap core, for an area that [`activate`] made.
unsafe extern "C" fn submit_read<D: Serves>(ctx: *mut bindings::swap_io_ctx) {
    // SAFETY: the swap core's call.
    unsafe { Call::<Load, D>::new(ctx, device(ctx)) }.load();
}

/// Folios that are written may share a call, which disks prefer; in a synchronous
/// area they never do. Each folio that is read has a call of its own, since a call has one result:
/// a failed read is an error for its reader alone.
///
/// # Safety
///
/// May be called with anything.
unsafe extern "C" fn can_merge(
    _folio: *mut folio,
    _previous: *mut folio,
    _previous_size: usize,
    rw: c_int,
) -> bool {
    if rw == WRITE {
        swap_area::page_stored();
    }
    rw == WRITE
}

const WRITE: c_int = 1;

const _: () = assert!(size_of::<Page>() == kernel::page::PAGE_SIZE);

/// Makes a swap area, in `swapon`, that sends its I/O to the device of `bdev`. Returns the
/// number of extents.
///
/// # Safety
///
/// `sis` is what the swap core gave to `swap_activate`, and `bdev` is the block device of a
/// `gendisk::Disk` of a `D` that outlives the area.
pub(super) unsafe fn activate<D: Serves>(
    sis: *mut swap_info_struct,
    bdev: *mut block_device,
) -> c_int {
    let ops = const {
        &bindings::swap_ops {
            flags: 0,
            can_merge: Some(can_merge),
            submit_write: Some(submit_write::<D>),
            submit_read: Some(submit_read::<D>),
        }
    };
    // SAFETY: as this function requires; the operations live as long as the module, which the open node
    // keeps.
    unsafe {
        (*sis).bdev = bdev;
        // Freed slots are reported, and large folios accepted, for block devices only.
        (*sis).flags |= bindings::VSWAP_SWP_BLKDEV;
        bindings::swap_fs_activate(sis, ops)
    }
}

/// The slot whose freeing the swap core reports, as a 64-bit offset.
pub(super) fn slot_of(offset: usize) -> Option<Slot> {
    u32::try_from(offset).ok().map(Slot::new)
}
