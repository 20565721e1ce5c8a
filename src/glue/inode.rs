// SPDX-License-Identifier: GPL-2.0-only

//! The inode whose mapping stands behind the node: what `swapon` takes for a swap file.
//!
//! C headers: `include/linux/fs.h`, `include/linux/pagemap.h`

use super::gendisk::Disk;
use super::swap_area::{Area, Kind};
use super::{bindings, swap_io};
use crate::device::Device;
use crate::engine::config::Size;
use crate::engine::header;
use crate::engine::page::PAGE_SIZE;
use core::ptr::NonNull;
use kernel::error::{from_err_ptr, to_result};
use kernel::ffi::{c_int, c_void};
use kernel::prelude::*;
use kernel::sync::Arc;

/// What the operations of the mapping need.
struct Backing {
    device: Arc<Device>,
    disk: Disk,
}

/// The inode.
///
/// # Invariants
///
/// `inode` is a valid inode made with `OPS`, whose private data is `backing`.
pub(crate) struct SwapInode {
    inode: NonNull<kernel::bindings::inode>,
    // After the inode, which `drop` gives back: its operations use it.
    backing: KBox<Backing>,
}

// SAFETY: an inode may be used from any thread.
unsafe impl Send for SwapInode {}
// SAFETY: as above.
unsafe impl Sync for SwapInode {}

/// # Safety
///
/// `mapping` is that of a `SwapInode`'s inode.
unsafe fn backing<'a>(mapping: *mut kernel::bindings::address_space) -> &'a Backing {
    // SAFETY: by the invariant the private data is the backing, which outlives the inode.
    unsafe { &*(*(*mapping).host).i_private.cast::<Backing>() }
}

/// Fills a page of the device: the swap header, or zeros.
///
/// # Safety
///
/// Called by the page cache, with a locked folio of one page in a [`SwapInode`]'s mapping.
unsafe extern "C" fn read_folio(
    _file: *mut kernel::bindings::file,
    folio: *mut kernel::bindings::folio,
) -> c_int {
    let mut index = 0;
    // SAFETY: the page cache's call: a locked folio of one page, in a mapping with these
    // operations, to be filled by nobody else.
    unsafe {
        let page = bindings::vswap_folio_page(folio, &mut index).cast::<[u8; PAGE_SIZE]>();
        let mapping = (*folio).__bindgen_anon_1.__bindgen_anon_1.mapping;
        if index == 0 {
            header::write(
                &mut *page,
                Device::NUMBER,
                backing(mapping).device.size().pages(),
            );
        } else {
            (*page).fill(0);
        }
        bindings::vswap_folio_read(folio);
    }
    0
}

/// Makes a swap area of the device.
///
/// # Safety
///
/// Called by `swapon`, with a file that shows a [`SwapInode`]'s mapping.
unsafe extern "C" fn swap_activate(
    sis: *mut kernel::bindings::swap_info_struct,
    file: *mut kernel::bindings::file,
    span: *mut kernel::bindings::sector_t,
) -> c_int {
    // SAFETY: `swapon`'s call, with a file whose mapping `chardev` set to this one. The disk
    // lives as long as the inode, which the open file keeps.
    unsafe {
        *span = u64::from((*sis).pages);
        let Backing { device, disk } = backing((*file).f_mapping);
        if let Err(error) = disk.set_synchronous(device.kind() != Kind::Disk) {
            return error.to_errno();
        }
        let Some(area) = NonNull::new(sis) else {
            return EINVAL.to_errno();
        };
        device.free_slots.set_area(Some(Area::new(area)));
        device.free_slots.set_kind(device.kind());
        swap_io::activate(sis, disk.bdev())
    }
}

/// The swap area is gone.
///
/// # Safety
///
/// Called by `swapoff`, with the file of `swap_activate`.
unsafe extern "C" fn swap_deactivate(file: *mut kernel::bindings::file) {
    // SAFETY: `swapoff`'s call, with the file of `swap_activate`.
    unsafe { backing((*file).f_mapping) }.device.deactivated();
}

static OPS: Operations = Operations(kernel::bindings::address_space_operations {
    read_folio: Some(read_folio),
    swap_activate: Some(swap_activate),
    swap_deactivate: Some(swap_deactivate),
    ..pin_init::zeroed()
});

struct Operations(kernel::bindings::address_space_operations);

// SAFETY: nobody writes to it.
unsafe impl Sync for Operations {}

impl SwapInode {
    /// Makes the inode, of the device's size. May sleep.
    pub(crate) fn new(device: Arc<Device>, disk: Disk) -> Result<Self> {
        let bytes = i64::try_from(device.size().bytes())?;
        let backing = KBox::new(Backing { device, disk }, GFP_KERNEL)?;
        let private: *const Backing = &*backing;
        // SAFETY: the operations live as long as the module, and the backing as long as the
        // inode.
        let inode = from_err_ptr(unsafe {
            bindings::vswap_inode_new(private.cast_mut().cast::<c_void>(), &OPS.0, bytes)
        })?;
        // INVARIANT: just made so.
        Ok(Self {
            inode: NonNull::new(inode).ok_or(ENOMEM)?,
            backing,
        })
    }

    /// Gives the inode another size, and the device, while nobody can swap it on. `EBUSY`: it
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

    /// Has an opened file show this inode's mapping instead of its own. Who opens it may be about
    /// to swap it off, for which the swap core's count has to be whole.
    ///
    /// # Safety
    ///
    /// `file` is being opened, and its owner keeps this inode while it is open.
    pub(super) unsafe fn back(&self, file: *mut kernel::bindings::file) {
        self.backing.device.offer_slots();
        // SAFETY: as this function requires; the inode is valid by the invariant.
        unsafe { (*file).f_mapping = (*self.inode.as_ptr()).i_mapping }
    }
}

impl Drop for SwapInode {
    fn drop(&mut self) {
        // SAFETY: the inode is valid by the invariant. No file shows its mapping any more: the
        // module can't be unloaded before.
        unsafe { bindings::vswap_inode_free(self.inode.as_ptr()) }
    }
}
