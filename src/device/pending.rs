// SPDX-License-Identifier: GPL-2.0-only

//! Whether freed slots wait for a sweep.

use crate::glue::wait::WaitQueue;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use kernel::prelude::*;

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
    pub(super) fn add(&self) {
        self.clusters.fetch_add(1, Ordering::Relaxed);
        if !self.any.swap(true, Ordering::SeqCst) {
            self.bell.wake();
        }
    }

    /// How many clusters have marked slots, about.
    pub(crate) fn clusters(&self) -> usize {
        self.clusters.load(Ordering::Relaxed)
    }

    /// Whether there are some.
    pub(crate) fn any(&self) -> bool {
        self.any.load(Ordering::SeqCst)
    }

    /// Where the thread that sweeps waits for some.
    pub(crate) fn bell(&self) -> &WaitQueue {
        &self.bell
    }

    /// A sweep begins: what is marked from now on wakes the thread again.
    pub(super) fn begin(&self) {
        self.any.store(false, Ordering::SeqCst);
        self.clusters.store(0, Ordering::Relaxed);
    }
}
