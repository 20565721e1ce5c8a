// SPDX-License-Identifier: GPL-2.0-only

//! Block devices that are memory, and are copied to and from without the block layer.
//!
//! C header: `include/linux/dax.h`

use super::bindings;
use crate::engine::page::Page;
use crate::engine::slot::PhysicalSlot;
use crate::engine::traffic::Direction;
use core::ptr::NonNull;

/// The memory of a block device. What can't be copied here is left to the block layer, which
/// knows why.
///
/// # Invariants
///
/// `device` is a DAX device, of which this value has a reference. Its pages from `first` on are
/// those of a block device.
pub(super) struct Dax {
    device: NonNull<bindings::dax_device>,
    first: u64,
}

// SAFETY: a DAX device may be used from any thread.
unsafe impl Send for Dax {}
// SAFETY: as above.
unsafe impl Sync for Dax {}

impl Dax {
    /// The memory of a block device, if that is memory. May sleep.
    ///
    /// # Safety
    ///
    /// The block device is open.
    pub(super) unsafe fn of(bdev: *mut kernel::bindings::block_device) -> Option<Self> {
        let mut first = 0;
        // SAFETY: as this function requires; `first` outlives the call.
        let device = unsafe { bindings::vswap_dax_open(bdev, &mut first) };
        // INVARIANT: just got so.
        NonNull::new(device).map(|device| Self { device, first })
    }

    /// Copies a page to a slot of the device, or from there. Says whether that was done; if
    /// not, the page may be partly overwritten.
    ///
    /// # Safety
    ///
    /// The slot is one of the block device's. The page stays, and is not written to, nor, when it
    /// is read, looked at, by anybody else meanwhile.
    #[inline]
    pub(super) unsafe fn copy(
        &self,
        direction: Direction,
        slot: PhysicalSlot,
        page: NonNull<Page>,
    ) -> bool {
        let (device, page) = (self.device.as_ptr(), page.as_ptr().cast());
        let place = self.first.saturating_add(u64::from(slot.number()));
        // SAFETY: as this function requires; the device is one by the invariant.
        unsafe {
            match direction {
                Direction::Write => bindings::vswap_dax_write(device, place, page),
                Direction::Read => bindings::vswap_dax_read(device, place, page),
            }
        }
    }
}

impl Drop for Dax {
    fn drop(&mut self) {
        // SAFETY: the reference is this value's by the invariant, and given back once.
        unsafe { bindings::vswap_dax_close(self.device.as_ptr()) }
    }
}
