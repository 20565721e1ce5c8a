// SPDX-License-Identifier: GPL-2.0-only

//! The hidden disk through which the swap core reports freed slots.
//!
//! It has no node and carries no data: all I/O to it fails.
//!
//! C header: `include/linux/blkdev.h`

use super::cpu::Pinned;
use super::{bindings, swap_io};
use crate::engine::slot::Slot;
use core::ptr::NonNull;
use kernel::bindings::{block_device, block_device_operations, gendisk};
use kernel::error::{from_err_ptr, to_result};
use kernel::ffi::c_void;
use kernel::prelude::*;
use kernel::sync::Arc;

/// The listener for freed slots.
pub(crate) trait Frees: Send + Sync + 'static {
    /// A slot is no longer in use. Does not sleep: the caller holds a spinlock of the swap core.
    fn free(&self, cpu: &Pinned, slot: Slot);
}

/// The disk.
///
/// # Invariants
///
/// `disk` is a valid, added disk made with the operations of a `D`, whose private data is `_device`.
pub(crate) struct Disk<D: Frees> {
    disk: NonNull<gendisk>,
    // After the disk, which `drop` removes: notifications use it.
    _device: Arc<D>,
}

// SAFETY: a disk may be removed from any thread.
unsafe impl<D: Frees> Send for Disk<D> {}
// SAFETY: through a shared reference only its block device's address can be had.
unsafe impl<D: Frees> Sync for Disk<D> {}

/// Called with the swap core's cluster lock held, once for every freed slot.
///
/// # Safety
///
/// Called by the swap core, with the block device of a [`Disk`] of a `D`.
unsafe extern "C" fn slot_free_notify<D: Frees>(bdev: *mut block_device, offset: usize) {
    // SAFETY: the block device is that of a `Disk`; by its invariant the private data is the
    // device, which lives at least as long.
    let device = unsafe { &*(*(*bdev).bd_disk).private_data.cast::<D>() };
    if let Some(slot) = swap_io::slot_of(offset) {
        // SAFETY: a spinlock of the swap core's is held until this returns.
        let cpu = unsafe { Pinned::already() };
        device.free(&cpu, slot);
    }
}

/// Fails a bio sent to the disk, which carries no data.
///
/// # Safety
///
/// Called by the block layer, which gives the bio away.
unsafe extern "C" fn submit_bio(bio: *mut kernel::bindings::bio) {
    // SAFETY: the block layer's call gives the bio away.
    unsafe { bindings::vswap_bio_fail(bio) }
}

/// Nobody uses the disk any more.
///
/// # Safety
///
/// Called by the block layer, once [`Disk`]'s drop has put its own reference.
unsafe extern "C" fn free_disk(disk: *mut gendisk) {
    // SAFETY: as this function requires; the drop has put a completion there, for which it waits.
    unsafe { kernel::bindings::complete((*disk).private_data.cast()) }
}

impl<D: Frees> Disk<D> {
    /// Creates and adds the disk. May sleep.
    pub(crate) fn new(name: &CStr, device: Arc<D>) -> Result<Self> {
        let private: *const D = &*device;
        // The disk has no node, so nobody opens it and it needs no owner: the module stays while the
        // character device is open.
        let ops = const {
            &block_device_operations {
                submit_bio: Some(submit_bio),
                swap_slot_free_notify: Some(slot_free_notify::<D>),
                free_disk: Some(free_disk),
                ..pin_init::zeroed()
            }
        };
        // SAFETY: the name is copied, the operations live as long as the module, and the device
        // as long as the disk.
        let disk = from_err_ptr(unsafe {
            bindings::vswap_disk_add(name.as_char_ptr(), private.cast_mut().cast::<c_void>(), ops)
        })?;
        // INVARIANT: just made so.
        Ok(Self {
            disk: NonNull::new(disk).ok_or(ENOMEM)?,
            _device: device,
        })
    }

    /// Sets whether the swap core, at the next `swapon`, treats the device as synchronous.
    /// May sleep.
    pub(super) fn set_synchronous(&self, synchronous: bool) -> Result {
        // SAFETY: the disk is valid by the invariant.
        to_result(unsafe { bindings::vswap_disk_set_synchronous(self.disk.as_ptr(), synchronous) })
    }

    /// The disk's block device, valid as long as the disk.
    pub(super) fn bdev(&self) -> *mut block_device {
        // SAFETY: the disk is valid by the invariant.
        unsafe { (*self.disk.as_ptr()).part0 }
    }
}

impl<D: Frees> Drop for Disk<D> {
    fn drop(&mut self) {
        // SAFETY: the disk is valid by the invariant, and removed once. No swap area uses it, so
        // nobody looks at its private data: the module can't be unloaded before.
        unsafe { bindings::vswap_disk_remove(self.disk.as_ptr()) }
    }
}
