// SPDX-License-Identifier: GPL-2.0-only

//! Giving back what freed slots held.
//!
//! The swap core reports freed slots one by one, under a spinlock, while a process exits. So a
//! slot is only marked then, and what it held is given back cluster by cluster: by a thread, a
//! moment after the first mark, so that many come together; or at once, by who finds no room.

use crate::device::Device;
use crate::engine::counters::{self, Counter};
use crate::engine::slot::{ClusterNumber, Slot};
use crate::glue::cpu::Pinned;
use crate::glue::index::{Found, Swept};
use crate::glue::thread::{Stop, Work};
use crate::glue::wait::WaitQueue;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use kernel::prelude::*;
use kernel::sync::Arc;

/// How long the thread waits for more after the first mark, in milliseconds.
const GATHERING_MS: u32 = 10;

/// Whether slots were marked since the last sweep began, and where the thread waits for that.
#[pin_data]
pub(crate) struct Pending {
    any: AtomicBool,
    /// Clusters with marked slots, about.
    clusters: AtomicUsize,
    #[pin]
    bell: WaitQueue,
}

impl Pending {
    /// Nothing is pending.
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            any: AtomicBool::new(false),
            clusters: AtomicUsize::new(0),
            bell <- WaitQueue::new(),
        })
    }

    /// A cluster has a marked slot for the first time since it was swept.
    #[cold]
    fn add(&self) {
        self.clusters.fetch_add(1, Ordering::Relaxed);
        if !self.any.swap(true, Ordering::SeqCst) {
            self.bell.wake();
        }
    }

    /// How many clusters have marked slots, about.
    pub(crate) fn clusters(&self) -> usize {
        self.clusters.load(Ordering::Relaxed)
    }
}

/// The work of the thread that sweeps.
pub(crate) struct Sweeper(Arc<Device>);

impl Sweeper {
    /// That of a device. May sleep.
    pub(crate) fn new(device: Arc<Device>) -> Result<Arc<Self>> {
        Ok(Arc::new(Self(device), GFP_KERNEL)?)
    }
}

impl Work for Sweeper {
    fn bell(&self) -> &WaitQueue {
        &self.0.pending.bell
    }

    fn wanted(&self) -> bool {
        self.0.pending.any.load(Ordering::SeqCst)
    }

    fn run(&self, stop: &Stop) {
        self.bell().wait_timeout(GATHERING_MS, || stop.requested());
        if self.0.sweep() {
            self.0.progress.advance();
        }
    }
}

impl Device {
    /// Frees a slot, which is not in use any more: what it holds comes back a moment later. Does
    /// not sleep.
    #[inline]
    pub(crate) fn free(&self, cpu: &Pinned, slot: Slot) {
        let marked = self.index().mark_freed(cpu, slot);
        if marked.found == Found::Walked {
            self.tally(cpu).count(Counter::MruMisses, 1);
        }
        if marked.is_first {
            self.pending.add();
        }
    }

    /// Gives back what freed slots held. Says whether that was something. May take long, but
    /// does not sleep.
    pub(crate) fn sweep(&self) -> bool {
        // Before the clusters are looked for: what is marked from now on wakes the thread again.
        self.pending.any.store(false, Ordering::SeqCst);
        self.pending.clusters.store(0, Ordering::Relaxed);
        self.index()
            .freed(0)
            .is_some_and(|first| self.sweep_from(first))
    }

    // Out of line: its frame is not to be added to the caller's.
    #[inline(never)]
    fn sweep_from(&self, first: ClusterNumber) -> bool {
        let mut any = false;
        let mut swept = const { Swept::new() };
        let mut next = Some(first);
        while let Some(number) = next {
            any |= self.sweep_cluster(number, &mut swept);
            let after = number.index().checked_add(1);
            next = after.and_then(|after| self.index().freed(after));
        }
        any
    }

    fn sweep_cluster(&self, number: ClusterNumber, swept: &mut Swept) -> bool {
        let mut any = false;
        self.index().sweep(number, swept, |cpu, swept| {
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
            while let Some(entry) = swept.next() {
                tally.content(entry.content(), -1);
                self.release(cpu, entry, &[]);
            }
        });
        any
    }
}
