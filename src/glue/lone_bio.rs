// SPDX-License-Identifier: GPL-2.0-only

//! A bio of its own that its caller need not wait for: a device's first page, or a discard.
//!
//! C header: `include/linux/bio.h`

use super::backing::Backing;
use super::bindings;
use crate::engine::page::Page;
use crate::engine::slot::PhysicalSlot;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;
use kernel::error::to_result;
use kernel::prelude::*;

/// A bio, under way or done. The device stays open meanwhile, even if it is put. Dropping this waits.
///
/// # Invariants
///
/// It was started, and is this value's own.
pub(crate) struct LoneBio(NonNull<bindings::vswap_lone_bio>);

// SAFETY: it may be waited for, and ended, by any thread.
unsafe impl Send for LoneBio {}

impl LoneBio {
    /// Begins to read the device's first page, or to write it. May sleep, and allocates: not for the
    /// swap path. `ENOMEM`: no memory.
    ///
    /// # Safety
    ///
    /// The page is one of the direct map, and stays until this value is gone. Nobody else writes to it
    /// meanwhile, nor, when it is read, looks at it.
    pub(super) unsafe fn first_page(
        backing: &Backing,
        page: NonNull<Page>,
        is_write: bool,
    ) -> Result<Self> {
        // SAFETY: the file is an open block device, of which a reference is taken; the page is as this
        // function requires.
        Self::started(unsafe {
            bindings::vswap_lone_bio_first_page(backing.file(), page.as_ptr().cast(), is_write)
        })
    }

    /// Begins to tell the device that slots hold nothing any more. As
    /// [`first_page`](Self::first_page).
    pub(crate) fn discard(backing: &Backing, first: PhysicalSlot, slots: u16) -> Result<Self> {
        // SAFETY: the file is an open block device, of which a reference is taken.
        Self::started(unsafe {
            bindings::vswap_lone_bio_discard(
                backing.file(),
                u64::from(first.number()),
                u32::from(slots),
            )
        })
    }

    fn started(io: *mut bindings::vswap_lone_bio) -> Result<Self> {
        // INVARIANT: just started.
        NonNull::new(io).map(Self).ok_or(ENOMEM)
    }

    /// Whether it is done. Does not sleep.
    pub(crate) fn is_done(&self) -> bool {
        // SAFETY: by the invariant.
        unsafe { bindings::vswap_lone_bio_done(self.0.as_ptr()) }
    }

    /// Waits until it is done, or a fatal signal comes. Says whether it is done.
    pub(crate) fn wait(&self) -> bool {
        // SAFETY: by the invariant.
        unsafe { bindings::vswap_lone_bio_wait(self.0.as_ptr(), true) }
    }

    /// Waits for as long as that takes. Returns the device's error, mostly `EIO`.
    pub(crate) fn end(self) -> Result {
        let this = ManuallyDrop::new(self);
        // SAFETY: the value is not dropped, so it is ended once.
        to_result(unsafe { this.finish() })
    }

    /// # Safety
    ///
    /// The value is not used any more.
    unsafe fn finish(&self) -> kernel::ffi::c_int {
        // SAFETY: by the invariant, and nobody else ends it, as this function requires.
        unsafe {
            bindings::vswap_lone_bio_wait(self.0.as_ptr(), false);
            bindings::vswap_lone_bio_end(self.0.as_ptr())
        }
    }
}

impl Drop for LoneBio {
    fn drop(&mut self) {
        // SAFETY: the value goes.
        unsafe { self.finish() };
    }
}
