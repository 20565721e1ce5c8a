// SPDX-License-Identifier: GPL-2.0-only

//! What movers have in common: a bounded memory of their own, and what they leave behind.
//!
//! A mover gives slots another entry while the swap core uses them. What it replaces may have
//! readers, so it is kept until a grace period is over.

use crate::device::Device;
use crate::engine::counters::Counter;
use crate::engine::entry::Content;
use crate::engine::held::{Moving, Owned, Retired};
use crate::engine::index::moves::Moved;
use crate::engine::page::Page;
use crate::engine::slot::{ClusterNumber, Slot, SLOTS_PER_CLUSTER};
use crate::glue::cpu::Pinned;
use crate::glue::memory::Buffer;
use crate::glue::rcu::{self, GracePeriod};
use crate::glue::table_page::TablePage;
use crate::tiers::contexts::Lazy;
use core::mem::{swap, take};
use kernel::prelude::*;
use kernel::sync::Arc;

/// Pages that a mover moves at a time: 512 KiB.
pub(crate) const CHUNK: usize = 128;

/// Replaced entries that are kept at most before a grace period is waited for, and as many for
/// which one has begun.
const RETIRED: usize = 4096;

/// Replaced tables that are kept so.
const TABLES: usize = 64;

/// A mover's memory.
pub(crate) struct Mover {
    device: Arc<Device>,
    /// Pages on their way.
    pub(crate) buffer: Buffer,
    /// What was replaced and is for the next grace period.
    replaced: Batch,
    /// What the grace period is for that has begun.
    waiting: Batch,
    grace: Option<GracePeriod>,
    /// Bytes of the ram tier's objects that were given back.
    freed: u64,
}

/// What was replaced, and may have readers.
struct Batch {
    entries: KVec<Retired>,
    tables: KVec<Retired<TablePage>>,
    /// Bytes of the entries' objects in the ram tier.
    bytes: u64,
}

impl Batch {
    /// Room for as much as there may be. May sleep.
    fn new() -> Result<Self> {
        Ok(Self {
            entries: KVec::with_capacity(RETIRED, GFP_KERNEL)?,
            tables: KVec::with_capacity(TABLES, GFP_KERNEL)?,
            bytes: 0,
        })
    }

    fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.tables.is_empty()
    }

    /// Gives back what there is, which has no readers any more. Gives the bytes.
    fn release(&mut self, device: &Device) -> u64 {
        for old in self.entries.drain_all() {
            device.release(&Pinned::new(), old.after_readers(), &[]);
        }
        for table in self.tables.drain_all() {
            drop(table.after_readers());
        }
        take(&mut self.bytes)
    }
}

impl Mover {
    /// A mover for that device, which has so many pages to move data through. May sleep.
    // In a box and out of line: it is too large for its callers' frames.
    #[inline(never)]
    pub(crate) fn new(device: Arc<Device>, pages: usize) -> Result<KBox<Self>> {
        let mover = Self {
            device,
            buffer: Buffer::new(pages)?,
            replaced: Batch::new()?,
            waiting: Batch::new()?,
            grace: None,
            freed: 0,
        };
        Ok(KBox::new(mover, GFP_KERNEL)?)
    }

    /// The device.
    pub(crate) fn device(&self) -> Arc<Device> {
        self.device.clone()
    }

    /// Reads an object into a page. May sleep.
    pub(crate) fn load(&self, moving: &Moving, page: &mut Page) -> Result {
        let object = moving.object().ok_or(EIO)?;
        let mut context = Lazy::new(self.device.contexts());
        self.device.ram().load(&object, page, context.get()?)
    }

    /// As [`load`](Self::load), into the first page of the buffer.
    pub(crate) fn load_first(&mut self, moving: &Moving) -> Result {
        let mut buffer = take(&mut self.buffer);
        let loaded = buffer
            .page_mut(0)
            .ok_or(EINVAL)
            .and_then(|page| self.load(moving, page));
        self.buffer = buffer;
        loaded
    }

    /// A slot has got the entry `new` that a mover made for it, or kept its old one. Counts it,
    /// and sees to what is left over. Says whether it was moved. May sleep.
    pub(crate) fn moved(&mut self, moved: Moved, new: &NewContent, counter: Counter) -> bool {
        match moved {
            Moved::Done { old, clusters } => {
                let cpu = Pinned::new();
                let tally = self.device.tally(&cpu);
                tally.clusters(clusters);
                tally.content(new.0, 1);
                tally.content(old.get().content(), -1);
                tally.count(counter, 1);
                drop(cpu);
                self.retire(old);
                true
            }
            Moved::TooLate { new, old } => {
                let cpu = Pinned::new();
                self.device.release(&cpu, new, &[]);
                self.device.release(&cpu, old, &[]);
                false
            }
            Moved::NeedsTable(new) => {
                self.device.release(&Pinned::new(), new, &[]);
                false
            }
        }
    }

    /// Ends a move that came to nothing.
    pub(crate) fn abandon(&self, moving: Moving) {
        let cpu = Pinned::new();
        let left = self.device.index().abandon_move(&cpu, moving);
        self.device.release(&cpu, left, &[]);
    }

    /// Turns a cluster into a whole one if its pages lie so. May sleep.
    pub(crate) fn collapse(&mut self, number: ClusterNumber) {
        let table = {
            let cpu = Pinned::new();
            let table = self.device.index().collapse(&cpu, number);
            if table.is_some() {
                self.device.tally(&cpu).count(Counter::WholeClusters, 1);
            }
            table
        };
        if let Some(table) = table {
            // There is room: it is made when the last place is taken.
            let _ = self.replaced.tables.push_within_capacity(table);
            if self.replaced.tables.len() == TABLES {
                self.turn();
            }
        }
    }

    /// Keeps an entry that was replaced until its readers are over. May sleep.
    pub(crate) fn retire(&mut self, old: Retired) {
        let bytes = match old.get().content() {
            Some(Content::Ram(object)) => u64::try_from(object.length.bytes()).unwrap_or(0),
            _ => 0,
        };
        let batch = &mut self.replaced;
        batch.bytes = batch.bytes.saturating_add(bytes);
        // There is room, as above.
        let _ = batch.entries.push_within_capacity(old);
        if batch.entries.len() == RETIRED {
            self.turn();
        }
    }

    /// How many entries were replaced, and are not given back yet.
    pub(crate) fn waiting(&self) -> u64 {
        let entries = self.replaced.entries.len();
        u64::try_from(entries.saturating_add(self.waiting.entries.len())).unwrap_or(u64::MAX)
    }

    /// Bytes of their objects in the ram tier.
    pub(crate) fn waiting_bytes(&self) -> u64 {
        self.replaced.bytes.saturating_add(self.waiting.bytes)
    }

    /// Whether all entries of a cluster can be replaced without waiting.
    pub(crate) fn has_room(&self) -> bool {
        self.replaced
            .entries
            .len()
            .saturating_add(SLOTS_PER_CLUSTER)
            < RETIRED
            && self.replaced.tables.len().saturating_add(1) < TABLES
    }

    /// Bytes of the ram tier's objects that were given back since this was asked last.
    pub(crate) fn take_freed(&mut self) -> u64 {
        take(&mut self.freed)
    }

    /// Gives back what has no readers any more, and begins a grace period for the rest. Does not
    /// wait.
    pub(crate) fn poll(&mut self) {
        if self.grace.as_ref().is_some_and(|grace| !grace.is_over()) {
            return;
        }
        self.release_waiting();
        if !self.replaced.is_empty() {
            self.turn();
        }
    }

    /// Begins a grace period for what was replaced. Waits for the last one.
    fn turn(&mut self) {
        if let Some(grace) = self.grace.take() {
            grace.wait();
        }
        self.release_waiting();
        swap(&mut self.replaced, &mut self.waiting);
        self.grace = Some(GracePeriod::begin());
    }

    fn release_waiting(&mut self) {
        self.grace = None;
        if self.waiting.is_empty() {
            return;
        }
        let bytes = self.waiting.release(&self.device);
        self.freed = self.freed.saturating_add(bytes);
        self.device.progress.advance();
    }

    /// Gives back all that was replaced, after a grace period. May sleep.
    pub(crate) fn flush(&mut self) {
        if self.replaced.is_empty() && self.waiting.is_empty() {
            return;
        }
        rcu::synchronize();
        self.release_waiting();
        swap(&mut self.replaced, &mut self.waiting);
        self.release_waiting();
    }
}

impl Drop for Mover {
    fn drop(&mut self) {
        self.flush();
    }
}

/// The content of an entry that a mover makes, noted before it is given away.
pub(crate) struct NewContent(Option<Content>);

impl NewContent {
    /// That of an entry.
    pub(crate) fn of(entry: &Owned) -> Self {
        Self(entry.content())
    }
}

/// Some slots of a cluster, in their order.
#[derive(Default)]
pub(crate) struct Slots(KVec<Slot>);

impl Slots {
    /// Room for all slots of a cluster. May sleep.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self(KVec::with_capacity(
            crate::engine::slot::SLOTS_PER_CLUSTER,
            GFP_KERNEL,
        )?))
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// One more. Does not sleep.
    pub(crate) fn push(&mut self, slot: Slot) {
        // There is room for all slots of a cluster.
        let _ = self.0.push_within_capacity(slot);
    }

    /// All.
    pub(crate) fn all(&self) -> &[Slot] {
        &self.0
    }
}
