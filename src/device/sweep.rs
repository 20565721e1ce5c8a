// SPDX-License-Identifier: GPL-2.0-only

//! Sweeps: frees what freed slots held.
//!
//! The swap core reports freed slots one by one, under a spinlock, while a process exits. So a slot is
//! only marked then, and what it held is freed cluster by cluster: by a thread, a moment after the first
//! mark, so that freed slots accumulate; or at once, by a store that finds no room.

use super::Device;
use crate::engine::counters::{self, Counter};
use crate::engine::index::sweep::Swept;
use crate::engine::index::Found;
use crate::engine::slot::{ClusterNumber, Slot};
use crate::glue::cpu::Pinned;
use crate::glue::gendisk::Frees;

impl Frees for Device {
    // What the slot holds is freed a moment later.
    #[inline]
    fn free(&self, cpu: &Pinned, slot: Slot) {
        let marked = self.index().mark_freed(cpu, slot);
        if marked.found == Found::Walked {
            self.tally(cpu).count(Counter::MruMisses, 1);
        }
        if marked.is_first {
            self.note_pending();
        }
    }
}

impl Device {
    /// A slot of a cluster was freed, the first one since the cluster was swept.
    #[cold]
    fn note_pending(&self) {
        if self.pending.add() {
            self.sweeping.wake();
        }
    }

    /// Frees what freed slots held. Returns whether there was anything. May take long, but does not
    /// sleep.
    pub(crate) fn sweep(&self) -> bool {
        // Before the search for clusters.
        self.pending.begin();
        self.index()
            .freed(0)
            .is_some_and(|first| self.sweep_from(first))
    }

    // Out of line, so that its stack frame is not part of the caller's.
    #[inline(never)]
    fn sweep_from(&self, first: ClusterNumber) -> bool {
        let (mut any, mut swept) = (false, Swept::NONE);
        self.index().sweep_from(first, &mut swept, |cpu, swept| {
            let tally = self.tally(cpu);
            let slots = counters::number(swept.slots());
            any |= slots != 0;
            tally.count(Counter::Lookups, counters::number(swept.marks));
            tally.count(Counter::UsedSlots, slots.wrapping_neg());
            tally.clusters(swept.clusters);
            if let Some((home, bits)) = &swept.whole {
                tally.count(Counter::DiskSlots, slots.wrapping_neg());
                self.disks().free_bits(cpu, *home, bits);
            }
            for entry in swept {
                tally.content(entry.content(), -1);
                self.release(cpu, entry, &[]);
            }
        });
        any
    }
}
