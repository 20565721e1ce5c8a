// SPDX-License-Identifier: GPL-2.0-only

//! A bio of its own that its caller need not wait for: a device's first page, or a discard.
//!
//! C header: `include/linux/bio.h`

use super::backing::Backing;
use super::bindings;
use super::memory::{Buffer, Pages};
use crate::engine::slot::PhysicalSlot;
use core::mem::{take, ManuallyDrop};
use core::ptr::NonNull;
use kernel::error::to_result;
use kernel::prelude::*;

/// A bio, under way or done. The device stays open meanwhile, even if it is put. Dropping this waits.
///
/// # Invariants
///
/// `io` was started, and is this value's own.
pub(crate) struct LoneBio {
    io: NonNull<bindings::vswap_lone_bio>,
    /// The page that is read or written, if it is no discard.
    buffer: Buffer,
}

// SAFETY: it may be waited for, and ended, by any thread.
unsafe impl Send for LoneBio {}

impl LoneBio {
    /// Begins to read the device's first page. May sleep, and allocates: not for the swap path. `ENOMEM`:
    /// no memory.
    pub(crate) fn read_first(backing: &Backing) -> Result<Self> {
        Self::first_page(backing, Buffer::new(1)?, false)
    }

    /// Begins to write the buffer's page there. A completed write survives a power failure, and is visible
    /// to readers of the node. As [`read_first`](Self::read_first).
    pub(crate) fn write_first(backing: &Backing, buffer: Buffer) -> Result<Self> {
        Self::first_page(backing, buffer, true)
    }

    fn first_page(backing: &Backing, buffer: Buffer, is_write: bool) -> Result<Self> {
        let page = buffer.pointer(0).ok_or(ENOMEM)?.as_ptr().cast();
        // SAFETY: the file is an open block device, of which a reference is taken. The page is one of the
        // direct map, and the buffer's, which is kept until the bio is done and lent to nobody meanwhile.
        let io = unsafe { bindings::vswap_lone_bio_first_page(backing.file(), page, is_write) };
        Self::started(io, buffer)
    }

    /// Begins to tell the device that slots hold nothing any more. As
    /// [`read_first`](Self::read_first).
    pub(crate) fn discard(backing: &Backing, first: PhysicalSlot, slots: u16) -> Result<Self> {
        let (first, slots) = (u64::from(first.number()), u32::from(slots));
        // SAFETY: the file is an open block device, of which a reference is taken.
        let io = unsafe { bindings::vswap_lone_bio_discard(backing.file(), first, slots) };
        Self::started(io, Buffer::default())
    }

    fn started(io: *mut bindings::vswap_lone_bio, buffer: Buffer) -> Result<Self> {
        let io = NonNull::new(io).ok_or(ENOMEM)?;
        // INVARIANT: just started.
        Ok(Self { io, buffer })
    }

    /// Whether it is done. Does not sleep.
    pub(crate) fn is_done(&self) -> bool {
        // SAFETY: by the invariant.
        unsafe { bindings::vswap_lone_bio_done(self.io.as_ptr()) }
    }

    /// Waits until it is done, or a fatal signal comes. Says whether it is done.
    pub(crate) fn wait(&self) -> bool {
        // SAFETY: by the invariant.
        unsafe { bindings::vswap_lone_bio_wait(self.io.as_ptr(), true) }
    }

    /// Waits for as long as that takes. Returns the buffer, or the device's error, mostly `EIO`.
    pub(crate) fn end(self) -> Result<Buffer> {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: the value is not dropped, so it is ended once.
        let error = unsafe { this.finish() };
        let buffer = take(&mut this.buffer);
        to_result(error)?;
        Ok(buffer)
    }

    /// # Safety
    ///
    /// The value is not used any more.
    unsafe fn finish(&self) -> kernel::ffi::c_int {
        // SAFETY: by the invariant, and nobody else ends it, as this function requires.
        unsafe {
            bindings::vswap_lone_bio_wait(self.io.as_ptr(), false);
            bindings::vswap_lone_bio_end(self.io.as_ptr())
        }
    }
}

impl Drop for LoneBio {
    fn drop(&mut self) {
        // SAFETY: the value goes.
        unsafe { self.finish() };
    }
}
