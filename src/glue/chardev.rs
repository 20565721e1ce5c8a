// SPDX-License-Identifier: GPL-2.0-only

//! The node: a character device of a class of its own.
//!
//! `swapon` accepts it because each opened file has the mapping of [`SwapInode`]; reading it
//! returns the swap header, for programs that look before they swap on.
//!
//! C headers: `include/linux/cdev.h`, `include/linux/device/class.h`

use super::bindings;
use super::inode::{SwapInode, Swappable};
use super::sysfs::{Attribute, Groups};
use crate::engine::header;
use crate::engine::page::PAGE_SIZE;
use kernel::bindings::{dev_t, file, inode, loff_t};
use kernel::error::{from_err_ptr, to_result};
use kernel::ffi::{c_char, c_int, c_uint, c_ulong, c_void};
use kernel::prelude::*;
use kernel::uaccess::{UserPtr, UserSlice};

/// The device behind a node.
pub(crate) trait Behind: Send + Sync + 'static {
    /// The device that is swapped on.
    type Device: Swappable;

    /// The inode that `swapon` uses as a swap file.
    fn inode(&self) -> &SwapInode<Self::Device>;
}

/// The private data of an open file.
#[repr(C)]
struct Private<B> {
    // First, so that a pointer to it is one to the whole.
    cdev: kernel::bindings::cdev,
    behind: B,
}

/// The device behind an open file's node.
///
/// # Safety
///
/// `file` was opened by [`open`] of that type.
unsafe fn behind<'a, B: Behind>(file: *mut file) -> &'a B {
    // SAFETY: `open` put it there, and the open file keeps the module and with it the node.
    unsafe { &(*(*file).private_data.cast::<Private<B>>()).behind }
}

/// Opens the node: the file gets the swap inode's mapping.
///
/// # Safety
///
/// Called by the VFS, for the node's file operations.
unsafe extern "C" fn open<B: Behind>(inode: *mut inode, file: *mut file) -> c_int {
    // SAFETY: the VFS's call for a node of this device: the cdev is the first field of a
    // `Private`, which lives as long as the node.
    unsafe {
        let private = bindings::vswap_inode_cdev(inode).cast::<Private<B>>();
        (*file).private_data = private.cast();
        (*private).behind.inode().back(file);
    }
    0
}

/// Reads the header, and zeros behind it up to the virtual size: never a page's data.
///
/// # Safety
///
/// Called by the VFS, for the node's file operations.
unsafe extern "C" fn read<B: Behind>(
    file: *mut file,
    to: *mut c_char,
    length: usize,
    position: *mut loff_t,
) -> isize {
    // SAFETY: the VFS's call: a file opened by `open`, and a position to move.
    let (behind, position) = unsafe { (behind::<B>(file), &mut *position) };
    match read_at(behind, UserPtr::from_ptr(to.cast()), length, *position) {
        Ok(count) => {
            *position = position.saturating_add(i64::try_from(count).unwrap_or(0));
            isize::try_from(count).unwrap_or(0)
        }
        // Lossless: an errno is a small number.
        Err(error) => error.to_errno() as isize,
    }
}

/// Reads up to the end of a page at most.
fn read_at<B: Behind>(behind: &B, to: UserPtr, length: usize, position: loff_t) -> Result<usize> {
    let position = u64::try_from(position).map_err(|_| EINVAL)?;
    let size = behind.inode().size();
    let start = usize::try_from(position)? % PAGE_SIZE;
    let left = usize::try_from(size.bytes().saturating_sub(position))?;
    let length = length.min(left).min(PAGE_SIZE.saturating_sub(start));
    let mut page = KVec::from_elem(0u8, PAGE_SIZE, GFP_KERNEL)?;
    if usize::try_from(position)? < PAGE_SIZE {
        let page: &mut [u8; PAGE_SIZE] = page.as_mut_slice().try_into().map_err(|_| EINVAL)?;
        header::write(page, size.pages());
    }
    let bytes = page
        .get(start..)
        .and_then(|rest| rest.get(..length))
        .ok_or(EINVAL)?;
    UserSlice::new(to, length).writer().write_slice(bytes)?;
    Ok(length)
}

/// Seeks within the virtual size.
///
/// # Safety
///
/// Called by the VFS, for the node's file operations.
unsafe extern "C" fn llseek<B: Behind>(file: *mut file, offset: loff_t, whence: c_int) -> loff_t {
    // SAFETY: the VFS's call, for a file opened by `open`.
    let bytes = unsafe { behind::<B>(file) }.inode().size().bytes();
    // SAFETY: as above.
    unsafe {
        kernel::bindings::fixed_size_llseek(
            file,
            offset,
            whence,
            loff_t::try_from(bytes).unwrap_or(loff_t::MAX),
        )
    }
}

/// Returns the size in bytes, as a block device does; no other request is known.
///
/// # Safety
///
/// Called by the VFS, for the node's file operations.
unsafe extern "C" fn ioctl<B: Behind>(
    file: *mut file,
    command: c_uint,
    argument: c_ulong,
) -> isize {
    // SAFETY: the VFS's call, for a file opened by `open`.
    let behind = unsafe { behind::<B>(file) };
    let result = if command == bindings::VSWAP_BLKGETSIZE64 {
        let to = UserPtr::from_addr(argument);
        UserSlice::new(to, size_of::<u64>())
            .writer()
            .write(&behind.inode().size().bytes())
    } else {
        Err(ENOTTY)
    };
    // Lossless: an errno is a small number.
    result.map_or_else(|error| error.to_errno() as isize, |()| 0)
}

/// A device number.
struct Region(dev_t);

impl Region {
    fn new(name: &'static CStr) -> Result<Self> {
        let mut number = 0;
        // SAFETY: `number` outlives the call, and the name lives for ever.
        to_result(unsafe {
            kernel::bindings::alloc_chrdev_region(&mut number, 0, 1, name.as_char_ptr())
        })?;
        Ok(Self(number))
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: allocated by `new`.
        unsafe { kernel::bindings::unregister_chrdev_region(self.0, 1) }
    }
}

/// The class, `/sys/class/vswap`.
struct Class(KBox<kernel::bindings::class>);

impl Class {
    fn new(name: &'static CStr) -> Result<Self> {
        let class = kernel::bindings::class {
            name: name.as_char_ptr(),
            ..pin_init::zeroed()
        };
        let class = KBox::new(class, GFP_KERNEL)?;
        // SAFETY: the class and its name stay until `drop`.
        to_result(unsafe { kernel::bindings::class_register(&*class) })?;
        Ok(Self(class))
    }
}

impl Drop for Class {
    fn drop(&mut self) {
        // SAFETY: registered by `new`, and its device is gone.
        unsafe { kernel::bindings::class_unregister(&*self.0) }
    }
}

/// The node itself, once it can be opened.
struct Registered<B> {
    private: KBox<Private<B>>,
    // The operations' memory; the cdev points at it.
    _ops: KBox<kernel::bindings::file_operations>,
}

impl<B: Behind> Registered<B> {
    fn new(module: &'static ThisModule, number: dev_t, behind: B) -> Result<Self> {
        let ops = kernel::bindings::file_operations {
            owner: module.as_ptr(),
            open: Some(open::<B>),
            read: Some(read::<B>),
            llseek: Some(llseek::<B>),
            unlocked_ioctl: Some(ioctl::<B>),
            ..pin_init::zeroed()
        };
        let ops = KBox::new(ops, GFP_KERNEL)?;
        let mut private = KBox::new(
            Private {
                cdev: pin_init::zeroed(),
                behind,
            },
            GFP_KERNEL,
        )?;
        let cdev = &raw mut private.cdev;
        // SAFETY: `private` and `ops` stay where they are until `drop`; an open file keeps the
        // module, and the module both.
        unsafe {
            kernel::bindings::cdev_init(cdev, &*ops);
            (*cdev).owner = module.as_ptr();
            to_result(kernel::bindings::cdev_add(cdev, number, 1))?;
        }
        Ok(Self { private, _ops: ops })
    }
}

impl<B> Drop for Registered<B> {
    fn drop(&mut self) {
        // SAFETY: added by `new`. No file is open: the module is not unloaded before.
        unsafe { kernel::bindings::cdev_del(&mut self.private.cdev) }
    }
}

/// The node and its sysfs directory, from creation to drop.
///
/// # Invariants
///
/// The class has a device of number `region`, whose data is what `_registered` has behind the
/// node.
pub(crate) struct Node<B> {
    // Dropped in this order, after the device: nobody can open it without a node, and the class
    // and the number go last.
    _registered: Registered<B>,
    class: Class,
    region: Region,
    _groups: Groups,
}

// SAFETY: a node may be removed from any thread.
unsafe impl<B: Send> Send for Node<B> {}
// SAFETY: through a shared reference only what stands behind it can be had.
unsafe impl<B: Sync> Sync for Node<B> {}

impl<B: Behind> Node<B> {
    /// Creates the class `class` and in it the node `name` with mode 0600, with these attributes.
    /// May sleep.
    pub(crate) fn new(
        module: &'static ThisModule,
        class: &'static CStr,
        name: &'static CStr,
        behind: B,
        attributes: &'static [Attribute<B>],
    ) -> Result<Self> {
        let groups = Groups::new(attributes)?;
        let region = Region::new(class)?;
        let class = Class::new(class)?;
        let registered = Registered::new(module, region.0, behind)?;
        let behind: *const B = &registered.private.behind;
        // SAFETY: the class is registered; what is behind it and the groups outlive the device; and
        // the name is a plain one that the format takes.
        from_err_ptr(unsafe {
            kernel::bindings::device_create_with_groups(
                &*class.0,
                core::ptr::null_mut(),
                region.0,
                behind.cast_mut().cast::<c_void>(),
                groups.as_ptr(),
                c"%s".as_char_ptr(),
                name.as_char_ptr(),
            )
        })?;
        // INVARIANT: just made so.
        Ok(Self {
            _registered: registered,
            class,
            region,
            _groups: groups,
        })
    }
}

impl<B> Drop for Node<B> {
    fn drop(&mut self) {
        // SAFETY: by the invariant there is such a device. This waits for its attributes.
        unsafe { kernel::bindings::device_destroy(&*self.class.0, self.region.0) }
    }
}
