// SPDX-License-Identifier: GPL-2.0-only

//! A swap device: what happens when the swap core writes, reads and frees slots.
//!
//! The swap core has a slot pinned while it does one of these to it, so no two of them run on
//! one slot at a time; on different slots, all of them do.

use crate::contexts::{Context, Contexts};
use crate::engine::codec::{Algorithm, Codec};
use crate::engine::config::{RamLimit, Size};
use crate::engine::counters::{self, Counter, Delta};
use crate::engine::entry::{Content, Entry, Object};
use crate::engine::page::{Page, PAGE_SIZE};
use crate::engine::same;
use crate::engine::slot::Slot;
use crate::engine::table::Change;
use crate::glue::cpu::{PerCpu, Pinned};
use crate::glue::index::{Found, Index, CLUSTER_BYTES, TABLE_BYTES};
use crate::ram::Ram;
use core::sync::atomic::{AtomicU64, Ordering};
use kernel::pr_err_once;
use kernel::prelude::*;
use kernel::sync::Arc;

/// The device: a virtual size, the index of what is stored, and the tiers that hold it.
#[pin_data(PinnedDrop)]
pub(crate) struct Device {
    size: AtomicU64,
    contexts: Contexts,
    counters: PerCpu<counters::PerCpu>,
    ram: Ram,
    #[pin]
    index: Index,
}

impl Device {
    /// The device's number: there is one.
    pub(crate) const NUMBER: u8 = 0;

    /// An empty device. May sleep.
    pub(crate) fn new(size: Size, limit: RamLimit) -> Result<Arc<Self>> {
        Arc::pin_init(
            try_pin_init!(Self {
                size: AtomicU64::new(size.bytes()),
                contexts: Contexts::new()?,
                counters: PerCpu::new()?,
                ram: Ram::new(limit)?,
                index <- Index::new(),
            }),
            GFP_KERNEL,
        )
    }

    /// Stores a folio's pages in consecutive slots. On an error none of those slots holds
    /// anything: the folio stays in memory, and no older copy of it is ever read.
    ///
    /// `ENOSPC`: no tier has room. `ENOMEM`: there is no memory.
    pub(crate) fn store(&self, first: Slot, pages: &[Page]) -> Result {
        let mut delta = Delta::default();
        let mut context = self.contexts.take().ok_or(EINVAL)?;
        let result = pages.iter().enumerate().try_for_each(|(i, page)| {
            let slot = first.checked_add(i).ok_or(EINVAL)?;
            self.store_page(slot, page, &mut context, &mut delta)
        });
        drop(context);
        if result.is_err() {
            delta.count(Counter::FailedStores, count(pages.len()));
            for slot in (0..pages.len()).filter_map(|i| first.checked_add(i)) {
                self.clear(slot, &mut delta);
            }
        }
        self.add(&delta);
        result
    }

    /// Reads consecutive slots into a folio's pages. `EIO`: a slot holds nothing, or nothing
    /// that can be read.
    pub(crate) fn load(&self, first: Slot, pages: &mut [Page]) -> Result {
        let mut delta = Delta::default();
        let mut context = self.contexts.take().ok_or(EINVAL)?;
        let result = pages.iter_mut().enumerate().try_for_each(|(i, page)| {
            let slot = first.checked_add(i).ok_or(EINVAL)?;
            self.load_page(slot, page, &mut context, &mut delta)
        });
        drop(context);
        self.add(&delta);
        result
    }

    /// Frees a slot. Does not sleep.
    pub(crate) fn free(&self, slot: Slot) {
        let mut delta = Delta::default();
        self.clear(slot, &mut delta);
        self.add(&delta);
    }

    /// The device is not swapped on any more. Its slots are free by now; the events that were
    /// counted are those of the time it was on.
    pub(crate) fn deactivated(&self) {
        self.counters.iter().for_each(counters::PerCpu::reset_events);
    }

    #[inline]
    fn store_page(
        &self,
        slot: Slot,
        page: &Page,
        context: &mut Context,
        delta: &mut Delta,
    ) -> Result {
        let entry = match same::repeated_word(page).and_then(Entry::same) {
            Some(entry) => entry,
            None => Entry::ram(self.ram.store(page, context)?),
        };
        match self.index.replace(slot, entry) {
            Ok(replaced) => {
                count_found(replaced.found, delta);
                count_change(replaced.change, delta);
                delta.count(Counter::Clusters, replaced.clusters);
                count_content(entry, 1, delta);
                self.release(replaced.old, delta);
                Ok(())
            }
            Err(error) => {
                if let Some(Content::Ram(object)) = entry.content() {
                    self.ram.free(object);
                }
                Err(error)
            }
        }
    }

    #[inline]
    fn load_page(
        &self,
        slot: Slot,
        page: &mut Page,
        context: &mut Context,
        delta: &mut Delta,
    ) -> Result {
        let (entry, found) = self.index.load(slot);
        count_found(found, delta);
        match entry.content() {
            Some(Content::Same(word)) => {
                page.fill(word);
                Ok(())
            }
            Some(Content::Ram(object)) => self.ram.load(object, page, context),
            Some(Content::Empty) | None => {
                pr_err_once!("a slot was read that holds no page; its reader gets an error\n");
                Err(EIO)
            }
        }
    }

    #[inline]
    fn clear(&self, slot: Slot, delta: &mut Delta) {
        // Freeing can't fail, as it makes no cluster.
        if let Ok(replaced) = self.index.replace(slot, Entry::EMPTY) {
            count_found(replaced.found, delta);
            count_change(replaced.change, delta);
            delta.count(Counter::Clusters, replaced.clusters);
            self.release(replaced.old, delta);
        }
    }

    /// Gives back what an entry holds that is in no table any more.
    #[inline]
    fn release(&self, entry: Entry, delta: &mut Delta) {
        count_content(entry, -1, delta);
        if let Some(Content::Ram(object)) = entry.content() {
            self.ram.free(object);
        }
    }

    fn add(&self, delta: &Delta) {
        let cpu = Pinned::new();
        if let Some(counters) = self.counters.get(cpu.number()) {
            counters.add(delta);
        }
    }

    /// The virtual size.
    pub(crate) fn size(&self) -> Size {
        // What is stored came from a `Size`.
        Size::from_bytes(self.size.load(Ordering::Relaxed)).unwrap_or(Size::default_for(0))
    }

    /// Changes the virtual size, of a device that is not swapped on.
    pub(crate) fn set_size(&self, size: Size) {
        self.size.store(size.bytes(), Ordering::Relaxed);
    }

    /// The ram tier.
    pub(crate) fn ram(&self) -> &Ram {
        &self.ram
    }

    /// Changes what new pages are compressed with; what is stored stays as it is. May sleep.
    pub(crate) fn set_algorithm(&self, algorithm: Algorithm) -> Result {
        self.contexts.prepare(algorithm)?;
        self.ram.set_algorithm(algorithm);
        Ok(())
    }

    /// A counter's value.
    pub(crate) fn counter(&self, counter: Counter) -> i64 {
        counters::total(self.counters.iter(), counter)
    }

    /// Bytes of the tables of all clusters.
    pub(crate) fn table_bytes(&self) -> i64 {
        self.counter(Counter::Clusters).saturating_mul(TABLE_BYTES as i64)
    }

    /// Bytes of the tables and the cluster objects.
    pub(crate) fn metadata_bytes(&self) -> i64 {
        self.counter(Counter::Clusters).saturating_mul((TABLE_BYTES + CLUSTER_BYTES) as i64)
    }
}

fn count_found(found: Found, delta: &mut Delta) {
    delta.count(Counter::Lookups, 1);
    delta.count(Counter::MruHits, i64::from(found == Found::LastUsed));
}

fn count_change(change: Change, delta: &mut Delta) {
    match change {
        Change::Filled => delta.count(Counter::UsedSlots, 1),
        Change::Freed => delta.count(Counter::UsedSlots, -1),
        Change::Replaced | Change::None => {}
    }
}

fn count_content(entry: Entry, by: i64, delta: &mut Delta) {
    match entry.content() {
        Some(Content::Same(_)) => delta.count(Counter::SameFilledSlots, by),
        Some(Content::Ram(Object { length, codec, .. })) => {
            delta.count(Counter::RamSlots, by);
            delta.count(Counter::RawSlots, if codec == Codec::Raw { by } else { 0 });
            delta.count(Counter::CompressedBytes, count(length.bytes()).wrapping_mul(by));
        }
        Some(Content::Empty) | None => {}
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

const _: () = assert!(TABLE_BYTES == PAGE_SIZE);

#[pinned_drop]
impl PinnedDrop for Device {
    fn drop(self: Pin<&mut Self>) {
        // Swapoff has freed all slots. If one is left, its memory is given back.
        self.index.drain(|entry| {
            if let Some(Content::Ram(object)) = entry.content() {
                self.ram.free(object);
            }
        });
    }
}
