// SPDX-License-Identifier: GPL-2.0-only

//! A transfer of a block device's first page that its caller need not wait for.

use super::backing::Backing;
use super::lone_bio::LoneBio;
use super::memory::{Buffer, Pages};
use crate::engine::page::Page;
use kernel::prelude::*;

/// The first page, under way or done. The device stays open meanwhile, even if it is put.
/// Dropping this waits.
pub(crate) struct FirstPage {
    // Before the buffer, so that it is waited for first.
    io: LoneBio,
    buffer: Buffer,
}

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
        // SAFETY: the page is one of the direct map, and the buffer's, which is kept until the bio is done
        // and lent to nobody meanwhile.
        let io = unsafe { LoneBio::first_page(backing, page, is_write)? };
        Ok(Self { io, buffer })
    }

    /// Whether it is done. Does not sleep.
    pub(crate) fn is_done(&self) -> bool {
        self.io.is_done()
    }

    /// Waits until it is done, or a fatal signal comes. Says whether it is done.
    pub(crate) fn wait(&self) -> bool {
        self.io.wait()
    }

    /// Waits for as long as that takes. Returns the page, or the device's error, mostly `EIO`.
    pub(crate) fn end(self) -> Result<Buffer> {
        self.io.end()?;
        Ok(self.buffer)
    }
}
