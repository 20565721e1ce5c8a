// SPDX-License-Identifier: GPL-2.0-only

//! The shrinker: frees memory when the machine has little, whatever the ram tier's own limit says.
//!
//! It sweeps at once, and asks writeback to write the oldest pages of the ram tier to a disk: as many as
//! the kernel wants, which is in proportion to the size of the pool, as with zswap. Holes in the pool
//! are left to zsmalloc, which has a shrinker of its own.

use super::Device;
use crate::engine::counters::Counter;
use crate::engine::page::PAGE_SIZE;
use crate::engine::slot::SLOTS_PER_CLUSTER;
use crate::glue::clock;
use crate::glue::pressure::Gives;
use core::sync::atomic::Ordering;

fn pages(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX) / PAGE_SIZE
}

fn at_least_none(level: i64) -> usize {
    usize::try_from(level).unwrap_or(0)
}

impl Device {
    /// Asks writeback for that many pages of the ram tier, even below its high watermark. Does not
    /// sleep.
    pub(crate) fn ask_writeback(&self, pages: usize) {
        let pages = u64::try_from(pages).unwrap_or(u64::MAX);
        // A request for more than there is would never be fulfilled.
        let all = u64::try_from(self.counter(Counter::RamSlots)).unwrap_or(0);
        self.asked.ask(pages, all, clock::seconds());
        if self.asked.pages() != 0 {
            self.bell.wake();
        }
    }

    /// Whether a disk takes pages of automatic writeback now.
    fn can_write_back(&self) -> bool {
        self.ram().is_used()
            && self.writes_back()
            && self.budget().left(clock::seconds()) >= crate::tiers::disk::PAGE_BYTES
    }

    /// Sweeps. Returns by how many pages the pool has shrunk.
    fn shrink_by_sweeping(&self) -> usize {
        let before = self.ram().pool_bytes();
        if !self.sweep() {
            return 0;
        }
        pages(before.saturating_sub(self.ram().pool_bytes()))
    }

    /// An estimate of how many pages of the pool freed slots hold: all slots of their clusters are
    /// counted.
    fn freed_pages(&self) -> usize {
        let clusters = usize::try_from(self.pending.clusters()).unwrap_or(usize::MAX);
        let slots = clusters.saturating_mul(SLOTS_PER_CLUSTER);
        let in_ram = at_least_none(self.counter(Counter::RamSlots));
        let pool = pages(self.ram().pool_bytes());
        slots
            .min(in_ram)
            .saturating_mul(pool)
            .checked_div(in_ram)
            .unwrap_or(0)
    }

    /// How many pages were read from disks since the last call. As many should not be written back, as
    /// they would soon be read again. At most `most`; the rest counts the next time.
    fn read_of_late(&self, most: usize) -> usize {
        let loads = at_least_none(self.counter(Counter::DiskLoads));
        let seen = self.seen_loads.load(Ordering::Relaxed);
        // `swapoff` resets the counter.
        let of_late = loads.checked_sub(seen).unwrap_or(loads).min(most);
        let seen = if seen > loads { 0 } else { seen };
        self.seen_loads
            .store(seen.saturating_add(of_late), Ordering::Relaxed);
        of_late
    }
}

impl Gives for Device {
    fn count(&self) -> usize {
        let freed = self.freed_pages();
        if !self.can_write_back() {
            return freed;
        }
        let pool = pages(self.ram().pool_bytes());
        pool.saturating_sub(self.read_of_late(pool)).max(freed)
    }

    fn scan(&self, wanted: usize) -> Option<usize> {
        let freed = self.shrink_by_sweeping();
        if freed < wanted {
            if self.can_write_back() {
                self.ask_writeback(wanted.saturating_sub(freed));
            } else if freed == 0 {
                return None;
            }
        }
        Some(freed)
    }

    fn last(&self) -> usize {
        self.shrink_by_sweeping()
    }
}
