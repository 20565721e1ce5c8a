// SPDX-License-Identifier: GPL-2.0-only

//! Discards: tell a disk which clusters hold nothing, a few at a time.

use crate::engine::allocator::discarding::Search;
use crate::engine::slot::{PhysicalCluster, SLOTS_PER_CLUSTER};
use crate::glue::lone_bio::LoneBio;
use crate::glue::srcu::Section;
use crate::tiers::disk::{Disk, PAGE_BYTES};
use crate::tiers::transfer::Entered;
use kernel::prelude::*;

/// The most clusters that are discarded at the same time, of 2 MiB each: 32 MiB a second.
const AT_ONCE: usize = 16;

/// At most one in `PART` of the empty clusters is discarded at the same time, as nobody can claim a slot
/// in them meanwhile.
const PART: usize = 2;

/// Clusters of a disk that are being discarded. Dropping this waits.
pub(super) struct Discards {
    under_way: KVec<(PhysicalCluster, LoneBio)>,
    /// Keeps the disk.
    _section: Section,
}

impl Discards {
    /// Begins to discard clusters, if some were freed. Does not wait for the disk. May sleep.
    pub(super) fn begin(entered: &Entered<'_>) -> Option<Self> {
        let disk = entered.disk();
        let discarding = disk.discarding()?;
        if discarding.is_over() || !disk.is_active() || !discarding.take_news() {
            return None;
        }
        let stale = disk.stale_clusters();
        // The last one is left for stores.
        if stale < 2 {
            return None;
        }
        let mut under_way = KVec::with_capacity(AT_ONCE, GFP_KERNEL).ok()?;
        let mut search = Search::default();
        let most = (stale / PART).clamp(1, AT_ONCE);
        for begun in (0..most).filter_map(|_| disk.start_discard(&mut search)) {
            // The capacity is the most.
            let _ = under_way.push_within_capacity(begun);
        }
        // The next clusters follow in the next second.
        discarding.go_on();
        Some(Self {
            under_way,
            _section: entered.section(),
        })
    }

    /// Whether the disk has answered. Does not sleep.
    pub(super) fn is_done(&self) -> bool {
        self.under_way.iter().all(|(_, io)| io.is_done())
    }

    /// Frees the clusters. `disk` is the one that they belong to.
    pub(super) fn end(self, disk: &Disk) {
        let Some(discarding) = disk.discarding() else {
            return;
        };
        for (cluster, io) in self.under_way {
            let result = io.end();
            disk.free_stale(cluster, result.is_ok());
            match result {
                Ok(_) => discarding.count(CLUSTER_BYTES),
                Err(error) if !discarding.is_over() => {
                    discarding.end();
                    pr_warn!(
                        "{}: a discard failed ({}); the disk gets no more of them\n",
                        disk.path(),
                        error.to_errno()
                    );
                }
                Err(_) => {}
            }
        }
    }
}

/// Bytes of a cluster.
const CLUSTER_BYTES: u64 = PAGE_BYTES * SLOTS_PER_CLUSTER as u64;
