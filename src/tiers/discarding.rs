// SPDX-License-Identifier: GPL-2.0-only

//! Which discards a disk needs, and has had.

use crate::engine::slot::SLOTS_PER_CLUSTER;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

/// Whether a disk has clusters to discard, and how much it has discarded.
pub(crate) struct Discarding {
    /// A slot was freed since the watching thread looked last.
    was_freed: AtomicBool,
    /// The disk has refused a discard, and gets no more.
    is_over: AtomicBool,
    /// Bytes that it has discarded.
    bytes: AtomicU64,
    /// Clusters that are claimed for discards under way.
    clusters: AtomicU32,
}

impl Discarding {
    /// For a disk whose contents are unknown.
    pub(super) const fn new() -> Self {
        Self {
            was_freed: AtomicBool::new(true),
            is_over: AtomicBool::new(false),
            bytes: AtomicU64::new(0),
            clusters: AtomicU32::new(0),
        }
    }

    /// A slot was freed. Says whether the watching thread has to be woken.
    #[inline]
    pub(super) fn is_news(&self) -> bool {
        // Mostly it is known, and a load is cheaper.
        !self.was_freed.load(Ordering::Relaxed) && !self.was_freed.swap(true, Ordering::Relaxed)
    }

    /// Whether a slot was freed since this was called last.
    pub(crate) fn take_news(&self) -> bool {
        self.was_freed.swap(false, Ordering::Relaxed)
    }

    /// The next look may find more to discard.
    pub(crate) fn go_on(&self) {
        self.was_freed.store(true, Ordering::Relaxed);
    }

    /// Whether a look may find something to discard.
    pub(crate) fn is_wanted(&self) -> bool {
        !self.is_over() && self.was_freed.load(Ordering::Relaxed)
    }

    /// A cluster is claimed to be discarded.
    pub(super) fn claimed(&self) {
        self.clusters.fetch_add(1, Ordering::Relaxed);
    }

    /// The cluster is free again.
    pub(super) fn freed(&self) {
        self.clusters.fetch_sub(1, Ordering::Relaxed);
    }

    /// Slots that are claimed to be discarded: they hold nothing.
    pub(super) fn slots(&self) -> u64 {
        let clusters = u64::from(self.clusters.load(Ordering::Relaxed));
        clusters.saturating_mul(SLOTS_PER_CLUSTER as u64)
    }

    /// The disk has discarded that many bytes.
    pub(crate) fn count(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Bytes that it has discarded.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// The disk has refused.
    pub(crate) fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    /// Whether the disk has refused.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }
}
