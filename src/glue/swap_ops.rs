// SPDX-License-Identifier: GPL-2.0-only

//! The operations of a swap area, and their calls, as the swap core knows them. All that depends on
//! its interface is in here and in `swap_ops.c`.
//!
//! C headers: `include/linux/swap_ops.h`, `include/linux/swap.h`, `mm/page_io.c`

use super::bindings;
use crate::engine::traffic::Direction;
use core::ptr::NonNull;
use kernel::bindings::{bio_vec, block_device, folio, swap_info_struct, SWP_BLKDEV};
use kernel::ffi::{c_int, c_void};
use kernel::prelude::*;

/// What the swap core gives to an operation.
pub(super) use super::bindings::swap_io_ctx as Context;

/// What a swap area does with folios.
pub(super) trait Operations {
    /// Whether folios may share a call.
    fn may_merge(direction: Direction) -> bool;

    /// Stores folios.
    ///
    /// # Safety
    ///
    /// The swap core just gave that context; `device` is what stands behind the block device of
    /// [`activate`].
    unsafe fn write(ctx: *mut Context, device: NonNull<c_void>);

    /// Reads folios back.
    ///
    /// # Safety
    ///
    /// As for [`write`](Self::write).
    unsafe fn read(ctx: *mut Context, device: NonNull<c_void>);
}

/// # Safety
///
/// `ctx` is what the swap core gave to one of the operations below, for an area that [`activate`] made.
unsafe fn device(ctx: *mut Context) -> NonNull<c_void> {
    // SAFETY: `activate` set the area's `bdev` to the disk of `gendisk`, whose private data is the
    // device. The area is on, so the node is open and the module stays.
    unsafe { NonNull::new_unchecked((*(*(*(*ctx).sis).bdev).bd_disk).private_data) }
}

/// # Safety
///
/// Called by the swap core, for an area that [`activate`] made.
unsafe extern "C" fn submit_write<O: Operations>(ctx: *mut Context) {
    // SAFETY: the swap core's call.
    unsafe { O::write(ctx, device(ctx)) }
}

/// # Safety
///
/// Called by the swap core, for an area that [`activate`] made.
unsafe extern "C" fn submit_read<O: Operations>(ctx: *mut Context) {
    // SAFETY: the swap core's call.
    unsafe { O::read(ctx, device(ctx)) }
}

/// # Safety
///
/// May be called with anything.
unsafe extern "C" fn can_merge<O: Operations>(
    _folio: *mut folio,
    _previous: *mut folio,
    _previous_size: usize,
    rw: c_int,
) -> bool {
    O::may_merge(if rw == WRITE {
        Direction::Write
    } else {
        Direction::Read
    })
}

const WRITE: c_int = 1;

/// Makes a swap area, in `swapon`, with those operations. Returns the number of extents.
///
/// # Safety
///
/// `sis` is what the swap core gave to `swap_activate`, and `bdev` is the block device of a
/// `gendisk::Disk` that outlives the area, of a device that the operations take.
pub(super) unsafe fn activate<O: Operations>(
    sis: *mut swap_info_struct,
    bdev: *mut block_device,
) -> c_int {
    let ops = const {
        &bindings::swap_ops {
            flags: 0,
            can_merge: Some(can_merge::<O>),
            submit_write: Some(submit_write::<O>),
            submit_read: Some(submit_read::<O>),
        }
    };
    // SAFETY: as this function requires; the operations live as long as the module, which the open node
    // keeps.
    unsafe {
        (*sis).bdev = bdev;
        // Freed slots are reported, and large folios accepted, for block devices only.
        // Lossless: usize has 64 bits.
        (*sis).flags |= SWP_BLKDEV as usize;
        bindings::swap_fs_activate(sis, ops)
    }
}

/// A call that is not completed.
///
/// # Invariants
///
/// The call is completed once, by [`complete`](Self::complete), and its folios are locked or
/// under writeback until then.
#[derive(Clone, Copy)]
pub(super) struct RawCall(NonNull<bindings::swap_iocb>);

impl RawCall {
    /// A call that was just made.
    ///
    /// # Safety
    ///
    /// `ctx` is what the swap core gave to the operation of that direction, just now, and the
    /// invariants of the type hold.
    pub(super) unsafe fn new(ctx: *mut Context, direction: Direction) -> Self {
        let rw = c_int::from(direction == Direction::Write);
        // SAFETY: as this function requires.
        let sio = unsafe {
            bindings::vswap_io_prepare(ctx, rw);
            NonNull::new_unchecked((*ctx).sio)
        };
        // INVARIANT: as this function requires.
        Self(sio)
    }

    #[inline]
    fn sio(&self) -> &bindings::swap_iocb {
        // SAFETY: by the invariant it is not completed, and the swap core leaves it as it is.
        unsafe { self.0.as_ref() }
    }

    /// The folios, as the swap core filled them in. `None`: it can't have made this call.
    #[inline]
    pub(super) fn folios(&self) -> Option<&[bio_vec]> {
        let sio = self.sio();
        sio.bvecs.get(..usize::try_from(sio.nr_bvecs).ok()?)
    }

    /// Bytes of all folios. `None`: as above.
    #[inline]
    pub(super) fn bytes(&self) -> Option<usize> {
        usize::try_from(self.sio().len).ok()
    }

    /// Reports the result to the swap core. In any context.
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
