// SPDX-License-Identifier: GPL-2.0-only

//! What a disk is told about clusters that hold nothing.

use crate::engine::slot::SLOTS_PER_CLUSTER;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

/// Whether there is something to tell a disk, and how much it was told.
pub(crate) struct Discarding {
    /// Something was freed that nobody has looked at yet.
    was_freed: AtomicBool,
    /// The disk has refused, and is told nothing any more.
    is_over: AtomicBool,
    /// Bytes that it was told of.
    bytes: AtomicU64,
    /// Clusters that are claimed for that at the moment.
    clusters: AtomicU32,
}

impl Discarding {
    /// That of a disk of which nobody knows what it holds.
    pub(super) const fn new() -> Self {
        Self {
            was_freed: AtomicBool::new(true),
            is_over: AtomicBool::new(false),
            bytes: AtomicU64::new(0),
            clusters: AtomicU32::new(0),
        }
    }

    /// Something was freed. Says whether somebody has to be told to look.
    #[inline]
    pub(super) fn is_news(&self) -> bool {
        // Mostly it is known, and a load is cheaper.
        !self.was_freed.load(Ordering::Relaxed) && !self.was_freed.swap(true, Ordering::Relaxed)
    }

    /// Whether something was freed since this was asked last.
    pub(crate) fn take_news(&self) -> bool {
        self.was_freed.swap(false, Ordering::Relaxed)
    }

    /// There may be more to tell, later.
    pub(crate) fn go_on(&self) {
        self.was_freed.store(true, Ordering::Relaxed);
    }

    /// Whether there may be something to tell.
    pub(crate) fn is_wanted(&self) -> bool {
        !self.is_over() && self.was_freed.load(Ordering::Relaxed)
    }

    /// A cluster is claimed to be discarded.
    pub(super) fn claimed(&self) {
        self.clusters.fetch_add(1, Ordering::Relaxed);
    }

    /// It is free again.
    pub(super) fn freed(&self) {
        self.clusters.fetch_sub(1, Ordering::Relaxed);
    }

    /// Slots that are claimed to be discarded: they hold nothing.
    pub(super) fn slots(&self) -> u64 {
        let clusters = u64::from(self.clusters.load(Ordering::Relaxed));
        clusters.saturating_mul(SLOTS_PER_CLUSTER as u64)
    }

    /// The disk has discarded so much.
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
