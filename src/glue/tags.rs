// SPDX-License-Identifier: GPL-2.0-only

//! Tags of the pages on a disk, in memory: they tell whether what is read is what was written.
//!
//! A tag is the SipHash-2-4 (Aumasson and Bernstein, 2012) of the page as it lies on the disk, with a
//! random key: 64 bits, which an attacker who can write to the disk can't compute.
//!
//! C header: `include/linux/siphash.h`

use super::{bindings, memory};
use crate::engine::page::Page;
use crate::engine::slot::PhysicalSlot;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU64, Ordering};
use kernel::error::to_result;
use kernel::prelude::*;

/// A disk's tags, one for each slot: 8 bytes.
///
/// Whoever writes a slot has exclusive use of it, and nobody reads it before it is written: a tag
/// is set before the page is submitted, and compared after one has come.
pub(crate) struct Tags {
    key: bindings::siphash_key_t,
    tags: KVVec<AtomicU64>,
}

impl Tags {
    /// Tags for `slots` slots, none of which is written. May sleep, until the kernel has random
    /// numbers. `EINTR`: a signal came. `ENOMEM`: they would take more than half of the
    /// available memory, or there is none.
    pub(crate) fn new(slots: u32) -> Result<Self> {
        let slots = usize::try_from(slots)?;
        // For that much memory the kernel would kill processes.
        let bytes = u64::try_from(slots.saturating_mul(size_of::<AtomicU64>()))?;
        if bytes > memory::available_ram() / 2 {
            return Err(ENOMEM);
        }
        let mut key = bindings::siphash_key_t::default();
        // SAFETY: the key outlives the call.
        to_result(unsafe { bindings::vswap_tag_key(&mut key) })?;
        let tags = memory::defaults(slots)?;
        Ok(Self { key, tags })
    }

    /// Bytes that the tags take.
    pub(crate) fn bytes(&self) -> usize {
        self.tags.len().saturating_mul(size_of::<AtomicU64>())
    }

    /// Sets a slot's tag to that of the page that goes there. In any context.
    ///
    /// # Safety
    ///
    /// Nobody writes to the page meanwhile.
    pub(super) unsafe fn set(&self, slot: PhysicalSlot, page: NonNull<Page>) {
        if let Some(tag) = self.tag(slot) {
            // SAFETY: as this function requires.
            tag.store(unsafe { self.of(page) }, Ordering::Relaxed);
        }
    }

    /// Whether a page that came from a slot is what was written there. In any context.
    ///
    /// # Safety
    ///
    /// Nobody writes to the page meanwhile.
    pub(super) unsafe fn fits(&self, slot: PhysicalSlot, page: NonNull<Page>) -> bool {
        self.tag(slot)
            // SAFETY: as this function requires.
            .is_some_and(|tag| tag.load(Ordering::Relaxed) == unsafe { self.of(page) })
    }

    fn tag(&self, slot: PhysicalSlot) -> Option<&AtomicU64> {
        self.tags.get(usize::try_from(slot.number()).ok()?)
    }

    /// A page's tag.
    ///
    /// # Safety
    ///
    /// Nobody writes to the page meanwhile.
    unsafe fn of(&self, page: NonNull<Page>) -> u64 {
        // SAFETY: as this function requires; the key is one, and outlives the call.
        unsafe { bindings::vswap_tag(&self.key, page.as_ptr().cast()) }
    }
}
