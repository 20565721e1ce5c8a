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
use core::ptr::NonNull;

/// How many pages are copied in one go to a disk that is memory.
const COPIED: usize = 16;

/// A transfer that owns the buffer until its pages are there: nobody can look at pages that are
/// being read, or reuse those that are being written. Dropping
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

    /// Adds `count` pages of the buffer, from the one of that index on, that go to consecutive slots.
    /// May sleep.
    pub(crate) fn add_run(
        &mut self,
        index: usize,
        count: usize,
        entered: &Entered<'_, Kernel, T>,
        slot: PhysicalSlot,
    ) {
        let copied = self.copy_run(index, count, entered.disk(), slot);
        for done in copied..count {
            if let Some(slot) = slot.checked_add(done) {
                self.add(index.saturating_add(done), entered, slot);
            }
        }
    }

    /// Copies the first of them to a disk that is memory. Returns how many it has copied.
    fn copy_run(&self, index: usize, count: usize, disk: &T, slot: PhysicalSlot) -> usize {
        let mut copied = 0usize;
        while copied < count && disk.backing().is_memory() {
            let mut pages = [NonNull::dangling(); COPIED];
            let mut found = 0usize;
            for place in pages.iter_mut().take(count.saturating_sub(copied)) {
                let at = index.saturating_add(copied).saturating_add(found);
                let Some(page) = self.buffer.pointer(at) else {
                    break;
                };
                *place = page;
                found = found.saturating_add(1);
            }
            let (Some(pages), Some(slot)) = (pages.get(..found), slot.checked_add(copied)) else {
                break;
            };
            // SAFETY: as in `add`; the pages are there, as their indices were found.
            let done = unsafe { self.transfer.copy_run(disk, slot, pages) };
            copied = copied.saturating_add(done);
            if done < COPIED {
                break;
            }
        }
        copied
    }

    /// A page that goes to a disk, or is not submitted yet.
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

    /// As [`read`](Self::read), for a few consecutive pages.
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

    /// Adds the buffer's page of that index, each once; a missing page counts as failed. May sleep.
    pub(crate) fn add(
        &mut self,
        index: usize,
        entered: &Entered<'_, Kernel, T>,
        slot: PhysicalSlot,
    ) {
        match self.buffer.pointer(index) {
            // SAFETY: this has the buffer, lends out pages only to be read while they are
            // written, and returns it, or drops it, when the transfer has been waited for.
            // If this is forgotten, so is the buffer.
            Some(page) => unsafe { self.transfer.add(W::DIRECTION, entered, slot, page) },
            None => self.transfer.fail(entered, slot, false),
        }
    }

    /// Submits the bio that could still grow. Required for [`is_done`](Self::is_done) to become true
    /// without [`wait`](Self::wait). May sleep.
    pub(crate) fn submit(&mut self) {
        self.transfer.submit();
    }

    /// Whether all added pages have been submitted, and have arrived or failed: `wait` then does not
    /// wait. Does not sleep.
    pub(crate) fn is_done(&self) -> bool {
        self.transfer.is_done()
    }

    /// As [`wait`](Self::wait) as long as `go_on`, which is called now and then, is true. Returns
    /// this value if that ends the wait: the transfer is still under way, and its slots stay claimed.
    pub(crate) fn wait_while(mut self, go_on: impl Fn() -> bool) -> Result<(B, Failed<T>), Self> {
        if self.transfer.wait_while(go_on) {
            Ok(self.wait())
        } else {
            Err(self)
        }
    }

    /// Waits for all pages. Returns the buffer, and what failed. May sleep.
    #[inline(never)]
    pub(crate) fn wait(self) -> (B, Failed<T>) {
        (self.buffer, self.transfer.wait())
    }
}
