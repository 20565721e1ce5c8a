// SPDX-License-Identifier: GPL-2.0-only

//! Which discards a disk needs, and how much it has discarded.

use crate::engine::slot::SLOTS_PER_CLUSTER;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

/// Whether a disk has clusters to discard, and how much it has discarded.
pub(crate) struct Discarding {
    /// Whether a slot was freed since the watching thread last checked.
    was_freed: AtomicBool,
    /// Whether the disk has refused a discard. It gets no more then.
    is_over: AtomicBool,
    /// Bytes that the disk has discarded.
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

    /// Notes that a slot was freed. Returns whether the watching thread has to be woken.
    #[inline]
    pub(super) fn is_news(&self) -> bool {
        // Mostly it is noted already, and a load is cheaper than a swap.
        !self.was_freed.load(Ordering::Relaxed) && !self.was_freed.swap(true, Ordering::Relaxed)
    }

    /// Whether a slot was freed since the last call.
    pub(crate) fn take_news(&self) -> bool {
        self.was_freed.swap(false, Ordering::Relaxed)
    }

    /// Notes that the next check may find more to discard.
    pub(crate) fn go_on(&self) {
        self.was_freed.store(true, Ordering::Relaxed);
    }

    /// Whether a check may find something to discard.
    pub(crate) fn is_wanted(&self) -> bool {
        !self.is_over() && self.was_freed.load(Ordering::Relaxed)
    }

    /// Counts a cluster that was claimed to be discarded.
    pub(super) fn claimed(&self) {
        self.clusters.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a cluster that is free again.
    pub(super) fn freed(&self) {
        self.clusters.fetch_sub(1, Ordering::Relaxed);
    }

    /// Slots that are claimed to be discarded. They hold nothing.
    pub(super) fn slots(&self) -> u64 {
        let clusters = u64::from(self.clusters.load(Ordering::Relaxed));
        clusters.saturating_mul(SLOTS_PER_CLUSTER as u64)
    }

    /// Counts bytes that the disk has discarded.
    pub(crate) fn count(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Bytes that the disk has discarded.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Notes that the disk has refused.
    pub(crate) fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    /// Whether the disk has refused.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }
}
