// SPDX-License-Identifier: GPL-2.0-only

//! The inode whose mapping the node's files have: the one that `swapon` uses as a swap file.
//!
//! C headers: `include/linux/fs.h`, `include/linux/pagemap.h`

use super::call::Serves;
use super::gendisk::{Disk, Frees};
use super::swap_area::{Area, Kind};
use super::{bindings, swap_ops};
use crate::engine::config::Size;
use crate::engine::header;
use crate::engine::page::PAGE_SIZE;
use core::ptr::NonNull;
use kernel::bindings::{
    address_space, address_space_operations, file, folio, inode, sector_t, swap_info_struct,
};
use kernel::error::{from_err_ptr, to_result};
use kernel::ffi::{c_int, c_void};
use kernel::prelude::*;
use kernel::sync::Arc;

/// A device that can be swapped on.
pub(crate) trait Swappable: Serves + Frees {
    /// The virtual size.
    fn size(&self) -> Size;

    /// Changes the virtual size of a device that is not swapped on.
    fn set_size(&self, size: Size);

    /// The kind of device that the swap core is to see, at `swapon`.
    fn kind(&self) -> Kind;

    /// The device is swapped on as that area, which must be dropped before
    /// [`deactivated`](Self::deactivated) returns.
    fn activated(&self, area: Area);

    /// Somebody opens the node, maybe to swap the device off: the swap core's count must
    /// be complete then.
    fn opened(&self);

    /// The device is no longer swapped on. Its slots are free by now. May sleep.
    fn deactivated(&self);
}

/// What the operations of the mapping need.
struct Backing<D: Swappable> {
    device: Arc<D>,
    disk: Disk<D>,
}

/// The inode.
///
/// # Invariants
///
/// `inode` is a valid inode made with the operations of a `D`, whose private data is `backing`.
pub(crate) struct SwapInode<D: Swappable> {
    inode: NonNull<inode>,
    // After the inode, which `drop` frees: its operations use it.
    backing: KBox<Backing<D>>,
}

// SAFETY: an inode may be used from any thread.
unsafe impl<D: Swappable> Send for SwapInode<D> {}
// SAFETY: as above.
unsafe impl<D: Swappable> Sync for SwapInode<D> {}

/// # Safety
///
/// `mapping` is that of the inode of a `SwapInode<D>`.
unsafe fn backing<'a, D: Swappable>(mapping: *mut address_space) -> &'a Backing<D> {
    // SAFETY: by the invariant the private data is the backing, which outlives the inode.
    unsafe { &*(*(*mapping).host).i_private.cast::<Backing<D>>() }
}

/// Fills a page of the device: the swap header, or zeros.
///
/// # Safety
///
/// Called by the page cache, with a locked folio of one page in the mapping of a [`SwapInode`] of a `D`.
unsafe extern "C" fn read_folio<D: Swappable>(_file: *mut file, folio: *mut folio) -> c_int {
    let (mut mapping, mut index) = (core::ptr::null_mut(), 0);
    // SAFETY: the page cache's call: a locked folio of one page, in a mapping with these
    // operations, to be filled by nobody else.
    unsafe {
        let page =
            bindings::vswap_folio_page(folio, &mut mapping, &mut index).cast::<[u8; PAGE_SIZE]>();
        if index == 0 {
            header::write(&mut *page, backing::<D>(mapping).device.size().pages());
        } else {
            (*page).fill(0);
        }
        kernel::bindings::folio_end_read(folio, true);
    }
    0
}

/// Makes the device a swap area.
///
/// # Safety
///
/// Called by `swapon`, with a file that shows the mapping of a [`SwapInode`] of a `D`.
unsafe extern "C" fn swap_activate<D: Swappable>(
    sis: *mut swap_info_struct,
    file: *mut file,
    span: *mut sector_t,
) -> c_int {
    // SAFETY: `swapon`'s call, with a file whose mapping `chardev` set to this one. The disk
    // lives as long as the inode, which the open file keeps.
    unsafe {
        *span = u64::from((*sis).pages);
        let Backing::<D> { device, disk } = backing((*file).f_mapping);
        if let Err(error) = disk.set_synchronous(device.kind() != Kind::Disk) {
            return error.to_errno();
        }
        let Some(area) = NonNull::new(sis) else {
            return EINVAL.to_errno();
        };
        let extents = swap_ops::activate::<D>(sis, disk.bdev());
        // After an error the area is not deactivated.
        if extents >= 0 {
            device.activated(Area::new(area));
        }
        extents
    }
}

/// The swap area is gone.
///
/// # Safety
///
/// Called by `swapoff`, with the file of `swap_activate`.
unsafe extern "C" fn swap_deactivate<D: Swappable>(file: *mut file) {
    // SAFETY: `swapoff`'s call, with the file of `swap_activate`.
    unsafe { backing::<D>((*file).f_mapping) }
        .device
        .deactivated();
}

impl<D: Swappable> SwapInode<D> {
    /// Creates the inode, of the device's size. May sleep.
    pub(crate) fn new(device: Arc<D>, disk: Disk<D>) -> Result<Self> {
        let bytes = i64::try_from(device.size().bytes())?;
        let backing = KBox::new(Backing { device, disk }, GFP_KERNEL)?;
        let private: *const Backing<D> = &*backing;
        let ops = const {
            &address_space_operations {
                read_folio: Some(read_folio::<D>),
                swap_activate: Some(swap_activate::<D>),
                swap_deactivate: Some(swap_deactivate::<D>),
                ..pin_init::zeroed()
            }
        };
        // SAFETY: the operations live as long as the module, and the backing as long as the
        // inode.
        let inode = from_err_ptr(unsafe {
            bindings::vswap_inode_new(private.cast_mut().cast::<c_void>(), ops, bytes)
        })?;
        // INVARIANT: just made so.
        Ok(Self {
            inode: NonNull::new(inode).ok_or(ENOMEM)?,
            backing,
        })
    }

    /// The virtual size.
    pub(super) fn size(&self) -> Size {
        self.backing.device.size()
    }

    /// Changes the size of the inode and the device, while nobody can swap it on. `EBUSY`: it
    /// is swapped on. May sleep.
    pub(crate) fn resize(&self, size: Size) -> Result {
        let bytes = i64::try_from(size.bytes())?;
        let inode = self.inode.as_ptr();
        // SAFETY: the inode is valid by the invariant, and stays while it is locked here.
        unsafe {
            to_result(bindings::vswap_inode_lock_unused(inode))?;
            bindings::vswap_inode_resize(inode, bytes);
            self.backing.device.set_size(size);
            bindings::vswap_inode_unlock(inode);
        }
        Ok(())
    }

    /// Gives an opened file this inode's mapping instead of its own.
    ///
    /// # Safety
    ///
    /// `file` is being opened, and its owner keeps this inode while it is open.
    pub(super) unsafe fn back(&self, file: *mut file) {
        self.backing.device.opened();
        // SAFETY: as this function requires; the inode is valid by the invariant.
        unsafe { (*file).f_mapping = (*self.inode.as_ptr()).i_mapping }
    }
}

impl<D: Swappable> Drop for SwapInode<D> {
    fn drop(&mut self) {
        // SAFETY: the inode is valid by the invariant. No file shows its mapping any more: the
        // module can't be unloaded before.
        unsafe { bindings::vswap_inode_free(self.inode.as_ptr()) }
    }
}
