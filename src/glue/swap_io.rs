// SPDX-License-Identifier: GPL-2.0-only

//! The swap core's requests: folios written and read, slots freed.

use super::call::{Call, Serves};
use super::swap_area;
use super::swap_ops::{Context, Operations};
use super::way::{Load, Store};
use crate::engine::page::Page;
use crate::engine::slot::Slot;
use crate::engine::traffic::Direction;
use core::ptr::NonNull;
use kernel::ffi::c_void;

const _: () = assert!(size_of::<Page>() == kernel::page::PAGE_SIZE);

impl<D: Serves> Operations for D {
    /// Folios that are written may share a call, which disks prefer; in a synchronous
    /// area they never do. Each folio that is read has a call of its own, since a call has one result:
    /// a failed read is an error for its reader alone.
    fn may_merge(direction: Direction) -> bool {
        let is_write = direction == Direction::Write;
        if is_write {
            swap_area::page_stored();
        }
        is_write
    }

    unsafe fn write(ctx: *mut Context, device: NonNull<c_void>) {
        swap_area::page_stored();
        // SAFETY: the swap core's call, of an area of a `D`, which stays meanwhile.
        unsafe { Call::<Store, D>::new(ctx, device.cast().as_ref()) }.store();
    }

    unsafe fn read(ctx: *mut Context, device: NonNull<c_void>) {
        // SAFETY: as above.
        unsafe { Call::<Load, D>::new(ctx, device.cast().as_ref()) }.load();
    }
}

/// The slot whose freeing the swap core reports, as a 64-bit offset.
pub(super) fn slot_of(offset: usize) -> Option<Slot> {
    u32::try_from(offset).ok().map(Slot::new)
}
