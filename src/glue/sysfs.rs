// SPDX-License-Identifier: GPL-2.0-only

//! Attributes of a class device.
//!
//! C headers: `include/linux/device.h`, `include/linux/sysfs.h`

use crate::engine::page::PAGE_SIZE;
use core::marker::PhantomData;
use kernel::ffi::{c_char, c_void};
use kernel::fmt;
use kernel::prelude::*;

/// An attribute's file: a type without a value.
pub(crate) trait Attribute {
    /// The type that has the attribute.
    type Of;
    /// The file's name.
    const NAME: &'static CStr;
    /// The file's mode.
    const MODE: u16;

    /// Writes the text for a reader, at most a page. May sleep.
    fn show(_of: &Self::Of, _text: &mut Text<'_>) -> fmt::Result {
        Err(fmt::Error)
    }

    /// Handles a written text. May sleep. On an error nothing has changed.
    fn store(_of: &Self::Of, _text: &[u8]) -> Result {
        Err(EACCES)
    }
}

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

/// Shows an attribute.
///
/// # Safety
///
/// Called by sysfs, with a page to write into and a device whose data is an `A::Of`.
unsafe extern "C" fn show<A: Attribute>(
    device: *mut kernel::bindings::device,
    _attribute: *mut kernel::bindings::device_attribute,
    page: *mut c_char,
) -> isize {
    // SAFETY: sysfs gives a page to write into, and keeps the device while this runs; its data
    // is an `A::Of`, as the types of `Groups` and `chardev` say, and is removed after it.
    let (of, page) = unsafe {
        let of = &*(*device).driver_data.cast::<A::Of>();
        (
            of,
            core::slice::from_raw_parts_mut(page.cast::<u8>(), PAGE_SIZE),
        )
    };
    let mut text = Text { page, length: 0 };
    match A::show(of, &mut text) {
        Ok(()) => isize::try_from(text.length).unwrap_or(0),
        Err(_) => errno(EMSGSIZE),
    }
}

/// Changes an attribute.
///
/// # Safety
///
/// Called by sysfs, with `length` bytes of text and a device whose data is an `A::Of`.
unsafe extern "C" fn store<A: Attribute>(
    device: *mut kernel::bindings::device,
    _attribute: *mut kernel::bindings::device_attribute,
    text: *const c_char,
    length: usize,
) -> isize {
    // SAFETY: sysfs gives that many bytes of text, and keeps the device while this runs; its
    // data is an `A::Of`, as in `show`.
    let (of, text) = unsafe {
        let of = &*(*device).driver_data.cast::<A::Of>();
        (of, core::slice::from_raw_parts(text.cast::<u8>(), length))
    };
    match A::store(of, text) {
        Ok(()) => isize::try_from(length).unwrap_or(isize::MAX),
        Err(error) => errno(error),
    }
}

fn errno(error: Error) -> isize {
    // Lossless: an errno is a small number, and isize has 64 bits.
    error.to_errno() as isize
}

/// An attribute of a `T` in the driver core's form. Shared, as nobody writes to it.
#[repr(transparent)]
pub(crate) struct DeviceAttribute<T>(kernel::bindings::device_attribute, PhantomData<T>);

// SAFETY: the driver core only reads it.
unsafe impl<T> Sync for DeviceAttribute<T> {}

impl<T> DeviceAttribute<T> {
    /// The attribute of that type.
    pub(crate) const fn new<A: Attribute<Of = T>>() -> Self {
        let mut attribute: kernel::bindings::device_attribute = pin_init::zeroed();
        attribute.attr.name = A::NAME.to_bytes_with_nul().as_ptr().cast();
        attribute.attr.mode = A::MODE;
        if A::MODE & 0o400 != 0 {
            attribute.__bindgen_anon_1.show = Some(show::<A>);
        }
        if A::MODE & 0o200 != 0 {
            attribute.__bindgen_anon_2.store = Some(store::<A>);
        }
        Self(attribute, PhantomData)
    }
}

/// Pointers in the driver core's form, with a null one at the end.
#[repr(transparent)]
pub(crate) struct List<const N: usize>(pub(crate) [*const c_void; N]);

// SAFETY: the driver core only reads it, and what it points at is static.
unsafe impl<const N: usize> Sync for List<N> {}

/// A group of attributes, in the device's own directory.
#[repr(transparent)]
pub(crate) struct Group(kernel::bindings::attribute_group);

// SAFETY: the driver core only reads it, and what it points at is static.
unsafe impl Sync for Group {}

impl Group {
    /// The group of the attributes in a list made by [`attributes`].
    pub(crate) const fn new<const N: usize>(list: &'static List<N>) -> Self {
        let mut group: kernel::bindings::attribute_group = pin_init::zeroed();
        group.__bindgen_anon_2.attrs = (&raw const list.0).cast_mut().cast();
        Self(group)
    }
}

/// All groups of a device whose data is a `T`.
pub(crate) struct Groups<T>(pub(super) &'static List<2>, PhantomData<fn(&T)>);

impl<T> Groups<T> {
    /// The groups in a list made by [`attributes`], of attributes of a `T`.
    pub(crate) const fn new(list: &'static List<2>) -> Self {
        Self(list, PhantomData)
    }
}

/// Makes the static tables for attributes of `$of`, of those types, and `$name`, which refers to
/// them.
macro_rules! attributes {
    ($name:ident of $of:ty: $($attribute:ty),* $(,)?) => {
        pub(crate) static $name: $crate::glue::sysfs::Groups<$of> = {
            use $crate::glue::sysfs::{DeviceAttribute, Group, Groups, List};
            const COUNT: usize = <[&str]>::len(&[$(stringify!($attribute)),*]);
            static ATTRIBUTES: [DeviceAttribute<$of>; COUNT] =
                [$(DeviceAttribute::new::<$attribute>()),*];
            #[allow(
                clippy::indexing_slicing,
                reason = "evaluated when compiling"
            )]
            static LIST: List<{ COUNT + 1 }> = List({
                let mut list = [core::ptr::null(); COUNT + 1];
                let mut i = 0;
                while i < COUNT {
                    list[i] = (&raw const ATTRIBUTES[i]).cast();
                    i += 1;
                }
                list
            });
            static GROUP: Group = Group::new(&LIST);
            static GROUPS: List<2> = List([(&raw const GROUP).cast(), core::ptr::null()]);
            Groups::new(&GROUPS)
        };
    };
}
pub(crate) use attributes;
