// SPDX-License-Identifier: GPL-2.0-only

//! A transfer of a block device's first page that its caller need not wait for.
//!
//! C header: `include/linux/bio.h`

use super::backing::Backing;
use super::bindings;
use super::memory::{Buffer, Pages};
use crate::engine::page::Page;
use core::ptr::NonNull;
use kernel::error::to_result;
use kernel::prelude::*;

/// The first page, under way or done. The device stays open meanwhile, even if it is put.
/// Dropping this waits.
///
/// # Invariants
///
/// `io` was started with the only page of `buffer`, and is this value's own.
pub(crate) struct FirstPage {
    io: NonNull<bindings::vswap_first_page>,
    buffer: Buffer,
}

// SAFETY: it may be waited for, and ended, by any thread.
unsafe impl Send for FirstPage {}

impl FirstPage {
    /// Begins to read it. May sleep, and allocates: not for the swap path. `ENOMEM`: no memory.
    pub(crate) fn read(backing: &Backing) -> Result<Self> {
        Self::start(backing, Buffer::new(1)?, false)
    }

    /// Begins to write it. A completed write survives a power failure, and is visible to readers
    /// of the node. As [`read`](Self::read).
    pub(crate) fn write(backing: &Backing, page: &Page) -> Result<Self> {
        let mut buffer = Buffer::new(1)?;
        buffer.page_mut(0).ok_or(ENOMEM)?.copy_from_slice(page);
        Self::start(backing, buffer, true)
    }

    fn start(backing: &Backing, buffer: Buffer, is_write: bool) -> Result<Self> {
        let page = buffer.pointer(0).ok_or(ENOMEM)?;
        // SAFETY: the file is an open block device, of which a reference is taken; the page is
        // one of the direct map, and the buffer's, which is kept until it is done.
        let io = unsafe {
            bindings::vswap_first_page_start(backing.file(), page.as_ptr().cast(), is_write)
        };
        // INVARIANT: just started so.
        Ok(Self {
            io: NonNull::new(io).ok_or(ENOMEM)?,
            buffer,
        })
    }

    /// Whether it is done. Does not sleep.
    pub(crate) fn is_done(&self) -> bool {
        // SAFETY: by the invariant.
        unsafe { bindings::vswap_first_page_done(self.io.as_ptr()) }
    }

    /// Waits until it is done, or a fatal signal comes. Says whether it is done.
    pub(crate) fn wait(&self) -> bool {
        // SAFETY: by the invariant.
        unsafe { bindings::vswap_first_page_wait(self.io.as_ptr(), true) }
    }

    /// Waits for as long as that takes. Returns the page, or the device's error, mostly `EIO`.
    pub(crate) fn end(self) -> Result<Buffer> {
        let mut this = core::mem::ManuallyDrop::new(self);
        // SAFETY: by the invariant; the value is not dropped, so it is ended, and its buffer
        // taken, once.
        unsafe {
            let buffer = core::ptr::read(&raw mut this.buffer);
            to_result(finish(this.io))?;
            Ok(buffer)
        }
    }
}

/// # Safety
///
/// `io` was started, and nobody else uses it, now or later.
unsafe fn finish(io: NonNull<bindings::vswap_first_page>) -> kernel::ffi::c_int {
    // SAFETY: as this function requires.
    unsafe {
        bindings::vswap_first_page_wait(io.as_ptr(), false);
        bindings::vswap_first_page_end(io.as_ptr())
    }
}

impl Drop for FirstPage {
    fn drop(&mut self) {
        // SAFETY: by the invariant, and the value goes.
        unsafe { finish(self.io) };
    }
}
