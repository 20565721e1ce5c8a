// SPDX-License-Identifier: GPL-2.0-only

//! Puts entries into slots, and frees what the old ones held.

use super::Device;
use crate::engine::entry::{Content, Packed, Place};
use crate::engine::held::{HeldContent, Owned, PinnedSlot};
use crate::engine::index::Refusal;
use crate::glue::cpu::Pinned;
use crate::glue::rcu::Reader;
use crate::glue::trace;
use crate::tiers::transfer::Failed;
use kernel::pr_err_once;
use kernel::prelude::*;

impl Device {
    /// Empties a slot that is being stored to. Returns whether it held anything. Does not sleep.
    pub(super) fn empty(&self, cpu: &Pinned, slot: &PinnedSlot<'_>, bad: &[&Failed]) -> bool {
        let replaced = self.index.empty(cpu, slot.slot());
        let held = !replaced.old.is_empty();
        self.tally(cpu).replaced(&replaced);
        self.release(cpu, replaced.old, bad);
        held
    }

    /// Frees what an entry holds that is in no table. Slots in `bad` are retired.
    #[inline]
    pub(crate) fn release(&self, cpu: &Pinned, entry: Owned, bad: &[&Failed]) {
        match entry.content() {
            Some(Content::Disk(place)) => self.disks.release(cpu, place, bad),
            Some(Content::Packed(packed)) => self.disks.free_object(cpu, packed),
            _ => self.ram.free(entry),
        }
    }

    /// Puts an entry into a slot.
    #[inline]
    pub(super) fn put(&self, slot: &PinnedSlot<'_>, entry: Owned, bad: &[&Failed]) -> Result {
        self.put_on(&Pinned::new(), slot, entry, bad)
    }

    /// Like [`put`](Self::put), on this CPU.
    pub(super) fn put_on(
        &self,
        cpu: &Pinned,
        slot: &PinnedSlot<'_>,
        entry: Owned,
        bad: &[&Failed],
    ) -> Result {
        let content = entry.content();
        match self.index.put(cpu, slot.slot(), entry) {
            Ok(replaced) => {
                trace::store(slot.slot(), content);
                let tally = self.tally(cpu);
                tally.content(content, 1);
                if replaced.old.is_empty() {
                    tally.filled(replaced.found, replaced.clusters);
                } else {
                    tally.replaced(&replaced);
                    self.release(cpu, replaced.old, bad);
                }
                Ok(())
            }
            Err(not_stored) => {
                self.tally(cpu).clusters(not_stored.clusters);
                self.release(cpu, not_stored.new, &[]);
                Err(match not_stored.why {
                    Refusal::NoMemory => ENOMEM,
                    Refusal::Damaged => {
                        pr_err_once!("a cluster is damaged; stores to it fail\n");
                        EIO
                    }
                })
            }
        }
    }

    /// The place of a slot's page, if it lies on a disk.
    pub(super) fn place_of(&self, slot: &PinnedSlot<'_>) -> Option<Place> {
        let reader = Reader::new();
        let (held, _) = self.index.load(&Pinned::new(), &reader, slot);
        match held.content() {
            Some(HeldContent::Disk(place)) => Some(place),
            _ => None,
        }
    }

    /// The object of a slot's page, if it is packed on a disk.
    pub(super) fn packed_of(&self, slot: &PinnedSlot<'_>) -> Option<Packed> {
        let reader = Reader::new();
        let (held, _) = self.index.load(&Pinned::new(), &reader, slot);
        match held.content() {
            Some(HeldContent::Packed(packed)) => Some(packed),
            _ => None,
        }
    }
}
