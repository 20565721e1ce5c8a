// SPDX-License-Identifier: GPL-2.0-only

//! A swap device: what happens when the swap core writes, reads and frees slots.
//!
//! The swap core has a slot pinned while it does one of these to it, so no two of them run on
//! one slot at a time; on different slots, all of them do.

use crate::contexts::{Contexts, Lazy};
use crate::engine::codec::{Algorithm, Codec};
use crate::engine::config::{RamLimit, Size};
use crate::engine::counters::{self, Counter};
use crate::engine::entry::{Content, Object};
use crate::engine::page::{Page, PAGE_SIZE};
use crate::engine::same;
use crate::engine::slot::Slot;
use crate::engine::table::Change;
use crate::glue::cpu::{PerCpu, Pinned};
use crate::glue::held::{HeldContent, Owned, PinnedSlot};
use crate::glue::index::{Found, Index, Replaced, CLUSTER_BYTES, TABLE_BYTES};
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

    /// Stores a folio's pages in their slots. On an error none of those slots holds anything:
    /// the folio stays in memory, and no older copy of it is ever read.
    ///
    /// `ENOSPC`: no tier has room. `ENOMEM`: there is no memory.
    pub(crate) fn store<'a>(
        &self,
        pages: impl Iterator<Item = (PinnedSlot<'a>, &'a Page)> + Clone,
    ) -> Result {
        let mut context = Lazy::new(&self.contexts);
        let result = pages
            .clone()
            .try_for_each(|(slot, page)| self.store_page(&slot, page, &mut context));
        drop(context);
        if result.is_err() {
            for (slot, _) in pages {
                self.free(slot.slot());
                let cpu = Pinned::new();
                self.tally(&cpu).count(Counter::FailedStores, 1);
            }
        }
        result
    }

    /// Reads slots into a folio's pages. `EIO`: a slot holds nothing, or nothing that can be
    /// read.
    pub(crate) fn load<'a>(
        &self,
        mut pages: impl Iterator<Item = (PinnedSlot<'a>, &'a mut Page)>,
    ) -> Result {
        let mut context = Lazy::new(&self.contexts);
        let result = pages.try_for_each(|(slot, page)| self.load_page(&slot, page, &mut context));
        drop(context);
        result
    }

    /// Frees a slot. Does not sleep.
    pub(crate) fn free(&self, slot: Slot) {
        let cpu = Pinned::new();
        // Freeing can't fail, as it makes no cluster.
        if let Ok(replaced) = self.index.replace(&cpu, slot, Owned::EMPTY) {
            let tally = self.tally(&cpu);
            tally.replaced(&replaced);
            self.ram.free(replaced.old);
        }
    }

    /// The device is not swapped on any more. Its slots are free by now; the events that were
    /// counted are those of the time it was on.
    pub(crate) fn deactivated(&self) {
        self.counters
            .iter()
            .for_each(counters::PerCpu::reset_events);
    }

    #[inline]
    fn store_page(&self, slot: &PinnedSlot<'_>, page: &Page, context: &mut Lazy<'_>) -> Result {
        let entry = match same::repeated_word(page) {
            Some(word) => match Owned::same(word) {
                Some(entry) => entry,
                None => self.ram.store_word(word)?,
            },
            None => self.ram.store(page, context.get()?)?,
        };
        let content = entry.content();
        let cpu = Pinned::new();
        match self.index.replace(&cpu, slot.slot(), entry) {
            Ok(replaced) => {
                let tally = self.tally(&cpu);
                tally.content(content, 1);
                tally.replaced(&replaced);
                self.ram.free(replaced.old);
                Ok(())
            }
            Err(no_memory) => {
                self.tally(&cpu)
                    .count(Counter::Clusters, no_memory.clusters);
                self.ram.free(no_memory.new);
                Err(ENOMEM)
            }
        }
    }

    #[inline]
    fn load_page(&self, slot: &PinnedSlot<'_>, page: &mut Page, context: &mut Lazy<'_>) -> Result {
        let held = {
            let cpu = Pinned::new();
            let (held, found) = self.index.load(&cpu, slot);
            self.tally(&cpu).found(found);
            held
        };
        match held.content() {
            Some(HeldContent::Same(word)) => {
                page.fill(word);
                Ok(())
            }
            Some(HeldContent::Ram(object)) => self.ram.load(&object, page, context.get()?),
            Some(HeldContent::Empty) | None => {
                pr_err_once!("a slot was read that holds no page; its reader gets an error\n");
                Err(EIO)
            }
        }
    }

    /// This CPU's counters, to count with while it stays on it.
    #[inline]
    fn tally<'a>(&'a self, cpu: &'a Pinned) -> Tally<'a> {
        Tally(self.counters.local(cpu))
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
        self.counter(Counter::Clusters)
            .saturating_mul(count(TABLE_BYTES))
    }

    /// Bytes of the tables and the cluster objects.
    pub(crate) fn metadata_bytes(&self) -> i64 {
        self.counter(Counter::Clusters)
            .saturating_mul(count(TABLE_BYTES + CLUSTER_BYTES))
    }
}

/// A number of bytes, to be counted.
#[inline]
fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// One CPU's counters, and what is to be counted of each operation.
struct Tally<'a>(Option<&'a counters::PerCpu>);

impl Tally<'_> {
    #[inline]
    fn count(&self, counter: Counter, by: i64) {
        if let Some(counters) = self.0 {
            counters.add(counter, by);
        }
    }

    #[inline]
    fn found(&self, found: Found) {
        self.count(Counter::Lookups, 1);
        if found == Found::LastUsed {
            self.count(Counter::MruHits, 1);
        }
    }

    /// A slot's entry was replaced, and the old one is no longer in use.
    #[inline]
    fn replaced(&self, replaced: &Replaced) {
        self.found(replaced.found);
        match replaced.change {
            Change::Filled => self.count(Counter::UsedSlots, 1),
            Change::Freed => self.count(Counter::UsedSlots, -1),
            Change::Replaced | Change::None => {}
        }
        if replaced.clusters != 0 {
            self.count(Counter::Clusters, replaced.clusters);
        }
        self.content(replaced.old.content(), -1);
    }

    /// An entry with that content came into use (`by` 1) or went out of it (-1).
    #[inline]
    fn content(&self, content: Option<Content>, by: i64) {
        match content {
            Some(Content::Same(_)) => self.count(Counter::SameFilledSlots, by),
            Some(Content::Ram(Object { length, codec, .. })) => {
                self.count(Counter::RamSlots, by);
                if codec == Codec::Raw {
                    self.count(Counter::RawSlots, by);
                }
                let bytes = count(length.bytes());
                self.count(Counter::CompressedBytes, bytes.wrapping_mul(by));
            }
            Some(Content::Empty) | None => {}
        }
    }
}

const _: () = assert!(TABLE_BYTES == PAGE_SIZE);

#[pinned_drop]
impl PinnedDrop for Device {
    fn drop(self: Pin<&mut Self>) {
        // Swapoff has freed all slots. If one is left, its memory is given back.
        self.index.drain(|entry| self.ram.free(entry));
    }
}
