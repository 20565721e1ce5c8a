// SPDX-License-Identifier: GPL-2.0-only

//! A block device that holds pages, and that nobody else may hold at the same time.
//!
//! C headers: `include/linux/blkdev.h`, `include/linux/bio.h`

use super::bindings;
use super::dax::Dax;
use crate::engine::page::{Page, PAGE_SIZE};
use crate::engine::slot::PhysicalSlot;
use crate::engine::traffic::Direction;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicBool, Ordering};
use kernel::error::{from_err_ptr, to_result};
use kernel::prelude::*;

const PAGE_BYTES: u64 = PAGE_SIZE as u64;

/// The number of the block device at a path, as [`Backing::number`] returns it, whether the device
/// is held or not. May sleep.
///
/// `ENOENT`, `ENOTDIR`, `EACCES`, `ELOOP`, `ENAMETOOLONG`: there is no such path for the caller.
/// `EINVAL`: the path is empty. `ENOTBLK`: it is something else. `EACCES`: it is on a file system
/// whose devices may not be opened. `ENODEV`: its number is 0.
pub(crate) fn lookup(path: &CStr) -> Result<u32> {
    let mut number = 0;
    // SAFETY: `number` outlives the call.
    to_result(unsafe { kernel::bindings::lookup_bdev(path.as_char_ptr(), &mut number) })?;
    Ok(number)
}

/// A block device, opened to be read and written. Dropping it releases it for others at once.
///
/// # Invariants
///
/// `file` is an open block device, held with `dead`, and owned by this value.
pub(crate) struct Backing {
    file: NonNull<kernel::bindings::file>,
    slots: u64,
    dax: Option<Dax>,
    // After the file, which `drop` puts: the block layer writes to it.
    dead: KBox<AtomicBool>,
}

// SAFETY: an open block device may be used, and closed, on any thread.
unsafe impl Send for Backing {}
// SAFETY: as above.
unsafe impl Sync for Backing {}

impl Backing {
    /// Opens the block device at a path, and holds it. Writes out dirty pages of its page cache
    /// first. Without `as_memory` it is never copied to and from, even if it is memory. May
    /// sleep.
    ///
    /// As [`lookup`], and:
    /// - `EBUSY`: it is held by others, by us already, or one of its partitions is, or the disk
    ///   that it is a partition of. A mounted file system, swap, device mapper, md and exclusive
    ///   openers hold a device.
    /// - `EROFS`: it is read-only.
    /// - `EINVAL`: its blocks are longer than a page.
    /// - `ENXIO`: there is no such device, it has gone, or it is an empty partition.
    /// - `EPERM`: the caller's control group may not use it.
    /// - others: what its driver says (`ENOMEDIUM`, `EIO`).
    pub(crate) fn open(path: &CStr, as_memory: bool) -> Result<Self> {
        let dead = KBox::new(AtomicBool::new(false), GFP_KERNEL)?;
        // SAFETY: the holder's flag is a bool that is written and read atomically, and stays
        // until `drop` has put the device, or is unknown to others, if there is no device.
        let file = unsafe { bindings::vswap_bdev_open(path.as_char_ptr(), dead.as_ptr()) };
        let file = from_err_ptr(file)?;
        // INVARIANT: just opened so.
        let mut backing = Self {
            file: NonNull::new(file).ok_or(ENODEV)?,
            slots: 0,
            dax: None,
            dead,
        };
        // SAFETY: the device is open.
        let bytes = unsafe { bindings::vswap_bdev_bytes(backing.bdev()) };
        backing.slots = bytes / PAGE_BYTES;
        if as_memory {
            // SAFETY: as above; `drop` puts the device, and nobody copies after that.
            backing.dax = unsafe { Dax::of(backing.bdev()) };
        }
        Ok(backing)
    }

    /// Whole pages that it had room for when it was opened. A device can shrink or grow, and one
    /// that is gone has none; transfers to it then fail. 0 for one that was
    /// never set up, such as a loop device without its file.
    #[inline]
    pub(crate) fn slots(&self) -> u64 {
        self.slots
    }

    /// Whether a transfer is done when submitting it returns, as with memory.
    pub(crate) fn is_synchronous(&self) -> bool {
        // SAFETY: the device is open by the invariant.
        unsafe { bindings::vswap_bdev_synchronous(self.bdev()) }
    }

    /// Whether it has zones that must be written in order.
    pub(crate) fn is_zoned(&self) -> bool {
        // SAFETY: the device is open by the invariant.
        unsafe { bindings::vswap_bdev_zoned(self.bdev()) }
    }

    /// Its number: 12 bits of major, 20 of minor.
    pub(crate) fn number(&self) -> u32 {
        // SAFETY: the device is open by the invariant, and its number doesn't change.
        unsafe { (*self.bdev()).bd_dev }
    }

    /// Whether it is gone, or is about to be: transfers to it fail, or soon will.
    #[inline]
    pub(crate) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Relaxed)
    }

    /// Whether it reports a write of several pages as done when only a part was.
    pub(crate) fn may_cut(&self) -> bool {
        // SAFETY: the device is open by the invariant.
        unsafe { bindings::vswap_bdev_may_cut(self.bdev()) }
    }

    /// Whether it can be told which pages hold nothing.
    pub(crate) fn can_discard(&self) -> bool {
        // SAFETY: the device is open by the invariant.
        unsafe { bindings::vswap_bdev_discards(self.bdev()) }
    }

    /// The open file, valid as long as this value.
    pub(super) fn file(&self) -> *mut kernel::bindings::file {
        self.file.as_ptr()
    }

    /// The block device, valid as long as this value.
    #[inline]
    pub(super) fn bdev(&self) -> *mut kernel::bindings::block_device {
        // SAFETY: the file is an open block device by the invariant.
        unsafe { kernel::bindings::file_bdev(self.file.as_ptr()) }
    }

    /// Whether the device is memory, which pages are copied to and from.
    #[inline]
    pub(crate) fn is_memory(&self) -> bool {
        self.dax.is_some()
    }

    /// Copies a page to a slot, or from there, when the device is memory. Says whether that was
    /// done; if not, a bio must transfer it. Does not sleep.
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
        self.dax
            .as_ref()
            // SAFETY: as this function requires.
            .is_some_and(|dax| unsafe { dax.copy(direction, slot, page) })
    }

    /// Copies pages to consecutive slots, when the device is memory. Returns how many were copied,
    /// from the first one on; bios must transfer the others. Does not sleep.
    ///
    /// # Safety
    ///
    /// The pages stay, and nobody else writes to them meanwhile.
    pub(super) unsafe fn write_run(&self, slot: PhysicalSlot, pages: &[NonNull<Page>]) -> usize {
        self.dax
            .as_ref()
            // SAFETY: as this function requires.
            .map_or(0, |dax| unsafe { dax.write_run(slot, pages) })
    }
}

impl Drop for Backing {
    fn drop(&mut self) {
        // SAFETY: the file is open by the invariant, and put once. Nothing is on its way
        // to the device: whatever is borrows this value. The block layer drops the holder's
        // flag before this returns, even though it closes the device only later.
        unsafe { kernel::bindings::bdev_fput(self.file.as_ptr()) }
    }
}
