// SPDX-License-Identifier: GPL-2.0-only

//! What movers have in common: a bounded memory of their own, and what they leave behind.
//!
//! A mover gives slots another entry while the swap core uses them. What it replaces may have
//! readers, so it is kept until a grace period is over.

use crate::contexts::Lazy;
use crate::device::Device;
use crate::engine::counters::Counter;
use crate::engine::slot::{ClusterNumber, Slot, SLOTS_PER_CLUSTER};
use crate::glue::cluster::TablePage;
use crate::glue::cpu::Pinned;
use crate::glue::held::{Moving, Owned};
use crate::glue::index::{Moved, Retired};
use crate::glue::memory::Buffer;
use crate::glue::rcu;
use kernel::prelude::*;
use kernel::sync::Arc;

/// Pages that a mover moves at a time: 512 KiB.
pub(crate) const CHUNK: usize = 128;

/// Replaced entries that are kept at most before a grace period is waited for.
const RETIRED: usize = 4096;

/// Replaced tables that are kept at most.
const TABLES: usize = 64;

/// A mover's memory.
pub(crate) struct Mover {
    device: Arc<Device>,
    /// Pages on their way.
    pub(crate) buffer: Buffer,
    retired: KVec<Retired>,
    tables: KVec<Retired<TablePage>>,
}

impl Mover {
    /// A mover for that device. May sleep.
    pub(crate) fn new(device: Arc<Device>) -> Result<Self> {
        Ok(Self {
            device,
            buffer: Buffer::new(CHUNK)?,
            retired: KVec::with_capacity(RETIRED, GFP_KERNEL)?,
            tables: KVec::with_capacity(TABLES, GFP_KERNEL)?,
        })
    }

    /// The device.
    pub(crate) fn device(&self) -> Arc<Device> {
        self.device.clone()
    }

    /// Reads an object into the buffer's page of that index. May sleep.
    pub(crate) fn load(&mut self, moving: &Moving, index: usize) -> Result {
        let object = moving.object().ok_or(EIO)?;
        let page = self.buffer.page_mut(index).ok_or(EINVAL)?;
        let mut context = Lazy::new(self.device.contexts());
        self.device.ram().load(&object, page, context.get()?)
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
            if let Err(table) = self.tables.push_within_capacity(table) {
                self.flush();
                let _ = self.tables.push_within_capacity(table.0);
            }
            if self.tables.len() == TABLES {
                self.flush();
            }
        }
    }

    fn retire(&mut self, old: Retired) {
        // There is room: it is flushed when it is full.
        let _ = self.retired.push_within_capacity(old);
        if self.retired.len() == RETIRED {
            self.flush();
        }
    }

    /// How many entries were replaced, and are not given back yet.
    pub(crate) fn waiting(&self) -> u64 {
        u64::try_from(self.retired.len()).unwrap_or(u64::MAX)
    }

    /// Whether all entries of a cluster can be replaced without [`Self::flush`].
    pub(crate) fn has_room(&self) -> bool {
        self.retired.len().saturating_add(SLOTS_PER_CLUSTER) < RETIRED
            && self.tables.len().saturating_add(1) < TABLES
    }

    /// Gives back what was replaced, after a grace period. May sleep.
    pub(crate) fn flush(&mut self) {
        if self.retired.is_empty() && self.tables.is_empty() {
            return;
        }
        rcu::synchronize();
        let device = &self.device;
        for old in self.retired.drain_all() {
            let cpu = Pinned::new();
            device.release(&cpu, old.after_readers(), &[]);
        }
        for table in self.tables.drain_all() {
            drop(table.after_readers());
        }
        self.device.progress.advance();
    }
}

impl Drop for Mover {
    fn drop(&mut self) {
        self.flush();
    }
}

/// The content of an entry that a mover makes, noted before it is given away.
pub(crate) struct NewContent(Option<crate::engine::entry::Content>);

impl NewContent {
    /// That of an entry.
    pub(crate) fn of(entry: &Owned) -> Self {
        Self(entry.content())
    }
}

/// Some slots of a cluster, in their order.
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
