// SPDX-License-Identifier: GPL-2.0-only

//! Block devices that are memory: vswap copies to and from them without the block layer.
//!
//! C header: `include/linux/dax.h`

use super::bindings;
use crate::engine::page::Page;
use crate::engine::slot::PhysicalSlot;
use crate::engine::traffic::Direction;
use core::ptr::NonNull;

/// The memory of a block device. What can't be copied here, or lies beyond the present end of the
/// device, is left to the block layer, which knows the cause.
///
/// Only for disks that are hardware: a device-mapper device of memory is left to the block
/// layer, too, as it can be suspended and become something else.
///
/// # Invariants
///
/// `device` is a DAX device, to which this value has a reference. Its pages from `first` on are
/// those of `bdev`, which is open.
pub(super) struct Dax {
    device: NonNull<bindings::dax_device>,
    bdev: *mut kernel::bindings::block_device,
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
    /// The block device is open, and stays so as long as the value.
    pub(super) unsafe fn of(bdev: *mut kernel::bindings::block_device) -> Option<Self> {
        let mut first = 0;
        // SAFETY: as this function requires; `first` outlives the call.
        let device = unsafe { bindings::vswap_dax_open(bdev, &mut first) };
        // INVARIANT: just got so.
        NonNull::new(device).map(|device| Self {
            device,
            bdev,
            first,
        })
    }

    /// Copies a page to a slot of the device, or from there. Says whether that was done; if
    /// not, the page may be partly overwritten.
    ///
    /// # Safety
    ///
    /// The page stays, and nobody else writes to it, nor, when it is read, looks at it,
    /// meanwhile.
    #[inline]
    pub(super) unsafe fn copy(
        &self,
        direction: Direction,
        slot: PhysicalSlot,
        page: NonNull<Page>,
    ) -> bool {
        let (device, bdev, first) = (self.device.as_ptr(), self.bdev, self.first);
        let (slot, page) = (slot.number(), page.as_ptr().cast());
        // SAFETY: as this function requires; the devices are what the invariant says.
        unsafe {
            match direction {
                Direction::Write => bindings::vswap_dax_write(device, bdev, first, slot, page),
                Direction::Read => bindings::vswap_dax_read(device, bdev, first, slot, page),
            }
        }
    }

    /// Copies pages to consecutive slots of the device. Returns how many were copied, from the
    /// first one on; the next one may be partly overwritten.
    ///
    /// # Safety
    ///
    /// The pages stay, and nobody else writes to them meanwhile.
    pub(super) unsafe fn write_run(&self, slot: PhysicalSlot, pages: &[NonNull<Page>]) -> usize {
        let count = u32::try_from(pages.len()).unwrap_or(0);
        // SAFETY: as this function requires; the devices are what the invariant says. A pointer that
        // is not null is laid out like any other.
        let done = unsafe {
            bindings::vswap_dax_write_run(
                self.device.as_ptr(),
                self.bdev,
                self.first,
                slot.number(),
                pages.as_ptr().cast(),
                count,
            )
        };
        usize::try_from(done).unwrap_or(0)
    }
}

impl Drop for Dax {
    fn drop(&mut self) {
        // SAFETY: the reference is this value's by the invariant, and put once.
        unsafe { bindings::vswap_dax_close(self.device.as_ptr()) }
    }
}
