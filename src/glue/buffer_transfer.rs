// SPDX-License-Identifier: GPL-2.0-only

//! Pages of a buffer on their way to disks or from there.

use super::memory::{Buffer, Pages};
use super::platform::Kernel;
use super::request::Failed;
use super::reserves::Reserves;
use super::target::Target;
use super::transfer::{Transfer, BIO_PAGES};
use super::way::{Load, Store, Way};
use crate::engine::bay::Entered;
use crate::engine::page::Page;
use crate::engine::slot::PhysicalSlot;
use core::marker::PhantomData;

/// Pages of a buffer on their way, which has the buffer until they are there: nobody can look at
/// pages that are being read, or use those that are being written for something else. Dropping
/// this waits.
pub(crate) struct BufferTransfer<W: Way, T: Target, B = Buffer> {
    // Before the buffer, so that it is waited for first.
    transfer: Transfer<T>,
    buffer: B,
    _way: PhantomData<W>,
}

impl<T: Target> BufferTransfer<Store, T> {
    /// Pages that go to disks. May sleep.
    pub(crate) fn write(reserves: &Reserves, buffer: Buffer) -> Self {
        Self::new(reserves, buffer, BIO_PAGES)
    }

    /// A page that goes to a disk, or is not sent yet.
    pub(crate) fn page(&self, index: usize) -> Option<&Page> {
        self.buffer.page(index)
    }
}

#[allow(private_bounds, reason = "only what is here is sent")]
impl<T: Target, B: Pages> BufferTransfer<Load, T, B> {
    /// Pages that come from disks. May sleep.
    pub(crate) fn read(reserves: &Reserves, buffer: B) -> Self {
        Self::new(reserves, buffer, BIO_PAGES)
    }

    /// As [`read`](Self::read), of a few pages that lie in a row.
    pub(crate) fn read_few(reserves: &Reserves, buffer: B, pages: usize) -> Self {
        let pages = u16::try_from(pages).map_or(BIO_PAGES, |pages| pages.min(BIO_PAGES));
        Self::new(reserves, buffer, pages)
    }
}

#[allow(private_bounds, reason = "only what is here is sent")]
impl<W: Way, T: Target, B: Pages> BufferTransfer<W, T, B> {
    fn new(reserves: &Reserves, buffer: B, pages: u16) -> Self {
        Self {
            transfer: Transfer::new(reserves, pages, pages),
            buffer,
            _way: PhantomData,
        }
    }

    /// Adds the buffer's page of that index, each once; one that there is not fails. May sleep.
    pub(crate) fn add(
        &mut self,
        index: usize,
        entered: &Entered<'_, Kernel, T>,
        slot: PhysicalSlot,
    ) {
        match self.buffer.pointer(index) {
            // SAFETY: this has the buffer, lends out pages only to be read while they are
            // written, and gives it back, or drops it, when the transfer has been waited for.
            // If this is forgotten, so is the buffer.
            Some(page) => unsafe { self.transfer.add(W::DIRECTION, entered, slot, page) },
            None => self.transfer.fail(entered, slot, false),
        }
    }

    /// Sends what could still grow. Has to be called for [`is_done`](Self::is_done) to come true
    /// without [`wait`](Self::wait). May sleep.
    pub(crate) fn submit(&mut self) {
        self.transfer.submit();
    }

    /// Whether all pages that were added have been sent, and are there or failed: `wait` does not
    /// wait then. Does not sleep.
    pub(crate) fn is_done(&self) -> bool {
        self.transfer.is_done()
    }

    /// As [`wait`](Self::wait) as long as `go_on`, which is asked now and then. Gives this value
    /// back if that ends it: what is under way stays so, and what it goes to stays claimed.
    pub(crate) fn wait_while(mut self, go_on: impl Fn() -> bool) -> Result<(B, Failed<T>), Self> {
        if self.transfer.wait_while(go_on) {
            Ok(self.wait())
        } else {
            Err(self)
        }
    }

    /// Waits for all pages. Gives the buffer back, and what failed. May sleep.
    #[inline(never)]
    pub(crate) fn wait(self) -> (B, Failed<T>) {
        (self.buffer, self.transfer.wait())
    }
}
