// SPDX-License-Identifier: GPL-2.0-only

//! Whether freed slots wait for a sweep.

use super::sync::{guarded, AtomicBool, Ordering};

/// Whether slots were marked since the last sweep began, for the thread that sweeps.
///
/// Whoever marks a slot marks its cluster in the index, then sets this; a sweep clears this,
/// then looks for clusters. So either the sweep sees the cluster, or the thread is woken again.
#[derive(Debug, Default)]
pub struct Pending {
    any: AtomicBool,
    /// Clusters with marked slots, approximately.
    clusters: guarded::AtomicU32,
}

impl Pending {
    /// A cluster has a marked slot for the first time since it was swept. Says whether the thread
    /// must be woken.
    #[must_use]
    pub fn add(&self) -> bool {
        self.clusters.fetch_add(1, Ordering::Relaxed);
        !self.any.swap(true, Ordering::AcqRel)
    }

    /// Whether there are some.
    pub fn any(&self) -> bool {
        self.any.load(Ordering::Acquire)
    }

    /// A sweep begins: marks from now on wake the thread again.
    pub fn begin(&self) {
        // Not just a store: the sweep must see all marks of whoever found it already set.
        self.any.swap(false, Ordering::AcqRel);
        self.clusters.store(0, Ordering::Relaxed);
    }

    /// How many clusters have marked slots, approximately.
    pub fn clusters(&self) -> u32 {
        self.clusters.load(Ordering::Relaxed)
    }
}
