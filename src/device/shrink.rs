// SPDX-License-Identifier: GPL-2.0-only

//! Giving memory back when the machine has little, whatever the ram tier's own limit says.
//!
//! What was freed is swept at once, and the oldest pages of the ram tier are written back to a disk
//! that takes pages: as many as the kernel asks for, which is in proportion to what the pool takes,
//! as with zswap. The pool's holes are zsmalloc's own matter, which has a shrinker for them.

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
    /// Asks writeback for so many pages of the ram tier, even below its high watermark. Does not
    /// sleep.
    pub(crate) fn ask_writeback(&self, pages: usize) {
        let pages = u64::try_from(pages).unwrap_or(u64::MAX);
        // More than there is would be asked for again and again.
        let all = u64::try_from(self.counter(Counter::RamSlots)).unwrap_or(0);
        self.asked.ask(pages, all, clock::seconds());
        if self.asked.pages() != 0 {
            self.bell.wake();
        }
    }

    /// Whether a disk takes pages that are written back unasked, now.
    fn can_write_back(&self) -> bool {
        self.ram().is_used()
            && self.writes_back()
            && self.budget().left(clock::seconds()) >= crate::tiers::disk::PAGE_BYTES
    }

    /// Gives back what freed slots held. Gives how many pages the pool takes less.
    fn shrink_by_sweeping(&self) -> usize {
        let before = self.ram().pool_bytes();
        if !self.sweep() {
            return 0;
        }
        pages(before.saturating_sub(self.ram().pool_bytes()))
    }

    /// Pages of the ram tier's pool that freed slots hold, by an estimate: all of their clusters'.
    fn freed_pages(&self) -> usize {
        let clusters = usize::try_from(self.pending.slots().clusters()).unwrap_or(usize::MAX);
        let slots = clusters.saturating_mul(SLOTS_PER_CLUSTER);
        let in_ram = at_least_none(self.counter(Counter::RamSlots));
        let pool = pages(self.ram().pool_bytes());
        slots
            .min(in_ram)
            .saturating_mul(pool)
            .checked_div(in_ram)
            .unwrap_or(0)
    }

    /// How many pages were read from disks since this was asked last: as many are better not
    /// written back, or they would be read next. Not more than `most`; the others count next time.
    fn read_of_late(&self, most: usize) -> usize {
        let loads = at_least_none(self.counter(Counter::DiskLoads));
        let seen = self.seen_loads.load(Ordering::Relaxed);
        // The counter begins anew at swapoff.
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
