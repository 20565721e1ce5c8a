// SPDX-License-Identifier: GPL-2.0-only

//! What all movers need: bounded memory, and a way to free what they have replaced.
//!
//! A mover gives slots other entries while the swap core uses them. What it replaces may have readers,
//! so it is kept for a grace period.

use crate::device::Device;
use crate::engine::counters::Counter;
use crate::engine::entry::Content;
use crate::engine::held::{Moving, Owned, Retired};
use crate::engine::index::ages::Overview;
use crate::engine::index::moves::Moved;
use crate::engine::page::Page;
use crate::engine::slot::{ClusterNumber, Slot, SLOTS_PER_CLUSTER};
use crate::glue::cpu::Pinned;
use crate::glue::memory::{Buffer, OwnedTable};
use crate::glue::rcu::{self, GracePeriod};
use crate::tiers::contexts::Lazy;
use core::iter::from_fn;
use core::mem::{swap, take};
use kernel::prelude::*;
use kernel::sync::Arc;

/// Pages that a mover moves at a time: 512 KiB.
pub(crate) const CHUNK: usize = 128;

/// The most replaced entries that accumulate before a mover has to wait for a grace period. As many may
/// be waiting for one that has begun.
const RETIRED: usize = 4096;

/// The same for replaced tables.
const TABLES: usize = 64;

/// All clusters, in the order of their numbers. Those that are created meanwhile may be among them.
pub(super) fn clusters(device: &Device) -> impl Iterator<Item = Overview> + '_ {
    let mut next = Some(0);
    from_fn(move || {
        let overview = device.index().overview(&Pinned::new(), next?)?;
        next = overview.number.index().checked_add(1);
        Some(overview)
    })
}

/// A mover's memory.
pub(crate) struct Mover {
    device: Arc<Device>,
    /// The pages that are being moved.
    pub(crate) buffer: Buffer,
    /// What was replaced since the current grace period began.
    replaced: Batch,
    /// What waits for the current grace period.
    waiting: Batch,
    grace: Option<GracePeriod>,
    /// Bytes of the ram tier's objects that were freed.
    freed: u64,
}

/// What was replaced and may have readers.
struct Batch {
    entries: KVec<Retired>,
    tables: KVec<Retired<OwnedTable>>,
    /// Bytes of the entries' objects in the ram tier.
    bytes: u64,
}

impl Batch {
    /// An empty batch with its full capacity. May sleep.
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

    /// Frees everything; nothing in it has a reader any more. Returns the bytes.
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
    /// A mover for that device, with a buffer of that many pages. May sleep.
    // Boxed and out of line: it is too large for its callers' stack frames.
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
    pub(crate) fn device(&self) -> &Arc<Device> {
        &self.device
    }

    /// Reads an object into a page. May sleep.
    pub(crate) fn load(&self, moving: &Moving, page: &mut Page) -> Result {
        let object = moving.object().ok_or(EIO)?;
        let mut context = Lazy::new(self.device.contexts());
        self.device.ram().load(&object, page, context.get()?)
    }

    /// Like [`load`](Self::load), into the first page of the buffer.
    pub(crate) fn load_first(&mut self, moving: &Moving) -> Result {
        let mut buffer = take(&mut self.buffer);
        let loaded = buffer
            .page_mut(0)
            .ok_or(EINVAL)
            .and_then(|page| self.load(moving, page));
        self.buffer = buffer;
        loaded
    }

    /// Ends a move: the slot got the entry `new` that a mover made for it, or kept its old one. Counts
    /// it, and frees or keeps what is left. Returns whether the page was moved. May sleep.
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

    /// Ends a move that failed.
    pub(crate) fn abandon(&self, moving: Moving) {
        let cpu = Pinned::new();
        let left = self.device.index().abandon_move(&cpu, moving);
        self.device.release(&cpu, left, &[]);
    }

    /// Makes a cluster whole if its pages lie where they have to. May sleep.
    pub(crate) fn collapse(&mut self, number: ClusterNumber) {
        let cpu = Pinned::new();
        let Some(table) = self.device.index().collapse(&cpu, number) else {
            return;
        };
        self.device.tally(&cpu).count(Counter::WholeClusters, 1);
        drop(cpu);
        // There is room: `turn` makes some when the last place is taken.
        let _ = self.replaced.tables.push_within_capacity(table);
        if self.replaced.tables.len() == TABLES {
            self.turn();
        }
    }

    /// Keeps a replaced entry until its readers are done. May sleep.
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

    /// How many entries were replaced and not freed yet.
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

    /// Bytes of the ram tier's objects that were freed since the last call.
    pub(crate) fn take_freed(&mut self) -> u64 {
        take(&mut self.freed)
    }

    /// Frees what has no readers any more, and begins a grace period for the rest. Does not wait.
    pub(crate) fn poll(&mut self) {
        if self.grace.as_ref().is_some_and(|grace| !grace.is_over()) {
            return;
        }
        self.release_waiting();
        if !self.replaced.is_empty() {
            self.turn();
        }
    }

    /// Begins a grace period for what was replaced. Waits for the previous one.
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

    /// Frees everything that was replaced, after a grace period. May sleep.
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

/// The content of an entry that a mover makes, noted before the entry is passed on.
pub(crate) struct NewContent(Option<Content>);

impl NewContent {
    /// The content of that entry.
    pub(crate) fn of(entry: &Owned) -> Self {
        Self(entry.content())
    }
}

/// Some slots of a cluster, in order.
#[derive(Default)]
pub(crate) struct Slots(KVec<Slot>);

impl Slots {
    /// An empty list with room for all slots of a cluster. May sleep.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self(KVec::with_capacity(SLOTS_PER_CLUSTER, GFP_KERNEL)?))
    }

    /// Empties the list.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Adds a slot. Does not sleep.
    pub(crate) fn push(&mut self, slot: Slot) {
        // The capacity is all slots of a cluster.
        let _ = self.0.push_within_capacity(slot);
    }

    /// All slots in the list.
    pub(crate) fn all(&self) -> &[Slot] {
        &self.0
    }
}
