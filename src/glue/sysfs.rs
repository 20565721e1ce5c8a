// SPDX-License-Identifier: GPL-2.0-only

//! Attributes of a class device.
//!
//! C headers: `include/linux/device.h`, `include/linux/sysfs.h`

use super::bindings;
use crate::engine::page::PAGE_SIZE;
use core::ptr::{self, NonNull};
use kernel::bindings::{attribute_group, device_attribute};
use kernel::ffi::c_char;
use kernel::fmt;
use kernel::prelude::*;

/// Writes an attribute's text for a reader, at most a page. May sleep.
type Show<T> = fn(&T, &mut Text<'_>) -> fmt::Result;

/// Handles a text that was written to an attribute. May sleep. On an error nothing has changed.
type Store<T> = fn(&T, &[u8]) -> Result;

/// The page that an attribute is written into. Text that does not fit is an error.
pub(crate) struct Text<'a> {
    page: &'a mut [u8],
    length: usize,
}

impl fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length.checked_add(text.len()).ok_or(fmt::Error)?;
        let room = self.page.get_mut(self.length..end).ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

/// An attribute of a `T`, which is a file.
pub(crate) struct Attribute<T> {
    name: &'static CStr,
    mode: u16,
    show: Option<Show<T>>,
    store: Option<Store<T>>,
}

impl<T> Attribute<T> {
    /// An attribute that is only read.
    pub(crate) const fn read_only(name: &'static CStr, show: Show<T>) -> Self {
        Self::new(name, 0o444, Some(show), None)
    }

    /// An attribute that is read and written.
    pub(crate) const fn read_write(name: &'static CStr, show: Show<T>, store: Store<T>) -> Self {
        Self::new(name, 0o644, Some(show), Some(store))
    }

    /// An attribute that is only written.
    pub(crate) const fn write_only(name: &'static CStr, store: Store<T>) -> Self {
        Self::new(name, 0o200, None, Some(store))
    }

    const fn new(
        name: &'static CStr,
        mode: u16,
        show: Option<Show<T>>,
        store: Option<Store<T>>,
    ) -> Self {
        Self {
            name,
            mode,
            show,
            store,
        }
    }
}

/// Shows an attribute.
///
/// # Safety
///
/// Called by sysfs, with a page to write into, for an [`Attribute`] of a `T` and a device whose data is
/// a `T`.
unsafe extern "C" fn show_text<T>(
    device: *mut kernel::bindings::device,
    attribute: *mut device_attribute,
    page: *mut c_char,
) -> isize {
    // SAFETY: sysfs gives a page to write into, and keeps the device while this runs; its data
    // is a `T`, as the types of `chardev` say, and is removed after it.
    let (of, attribute, page) = unsafe {
        (
            &*(*device).driver_data.cast::<T>(),
            &*bindings::vswap_attribute_data(attribute).cast::<Attribute<T>>(),
            core::slice::from_raw_parts_mut(page.cast::<u8>(), PAGE_SIZE),
        )
    };
    let mut text = Text { page, length: 0 };
    match attribute.show.map(|show| show(of, &mut text)) {
        Some(Ok(())) => isize::try_from(text.length).unwrap_or(0),
        Some(Err(_)) | None => errno(EMSGSIZE),
    }
}

/// Changes an attribute.
///
/// # Safety
///
/// Called by sysfs, with `length` bytes of text, for an [`Attribute`] of a `T` and a device whose data
/// is a `T`.
unsafe extern "C" fn store_text<T>(
    device: *mut kernel::bindings::device,
    attribute: *mut device_attribute,
    text: *const c_char,
    length: usize,
) -> isize {
    // SAFETY: sysfs gives that many bytes of text, and keeps the device while this runs; its
    // data is a `T`, as in `show_text`.
    let (of, attribute, text) = unsafe {
        (
            &*(*device).driver_data.cast::<T>(),
            &*bindings::vswap_attribute_data(attribute).cast::<Attribute<T>>(),
            core::slice::from_raw_parts(text.cast::<u8>(), length),
        )
    };
    match attribute.store.map_or(Err(EACCES), |store| store(of, text)) {
        Ok(()) => isize::try_from(length).unwrap_or(isize::MAX),
        Err(error) => errno(error),
    }
}

fn errno(error: Error) -> isize {
    // Lossless: an errno is a small number, and isize has 64 bits.
    error.to_errno() as isize
}

/// Attributes in the driver core's form.
///
/// # Invariants
///
/// Valid, and owned by this value.
pub(super) struct Groups(NonNull<bindings::vswap_attributes>);

impl Groups {
    /// A group of those attributes, in the device's own directory. May sleep.
    ///
    /// `ENOMEM`: no memory.
    pub(super) fn new<T>(attributes: &'static [Attribute<T>]) -> Result<Self> {
        // SAFETY: no requirements.
        let all = NonNull::new(unsafe { bindings::vswap_attributes_new(attributes.len()) });
        // INVARIANT: just made, and kept by nobody else.
        let all = Self(all.ok_or(ENOMEM)?);
        for attribute in attributes {
            let show: bindings::vswap_show_t = if attribute.show.is_some() {
                Some(show_text::<T>)
            } else {
                None
            };
            let store: bindings::vswap_store_t = if attribute.store.is_some() {
                Some(store_text::<T>)
            } else {
                None
            };
            // SAFETY: valid by the invariant, with room for each; names and data live as long as the
            // module, and these callbacks take such data.
            unsafe {
                bindings::vswap_attributes_add(
                    all.0.as_ptr(),
                    attribute.name.as_char_ptr(),
                    attribute.mode,
                    show,
                    store,
                    ptr::from_ref(attribute).cast(),
                )
            };
        }
        Ok(all)
    }

    /// The list of groups, valid as long as this value.
    pub(super) fn as_ptr(&self) -> *mut *const attribute_group {
        // SAFETY: valid by the invariant.
        unsafe { bindings::vswap_attributes_groups(self.0.as_ptr()) }
    }
}

impl Drop for Groups {
    fn drop(&mut self) {
        // SAFETY: valid by the invariant, and goes with its owner: the device is gone.
        unsafe { bindings::vswap_attributes_free(self.0.as_ptr()) }
    }
}
