// SPDX-License-Identifier: GPL-2.0-only

//! How much may be written to disks in a day, for the sake of flash.

use super::sync::{AtomicU64, Ordering};

/// Seconds in a day.
const DAY: u64 = 86_400;

/// A limit on bytes a day, and what is spent of it. A day begins when the first byte is spent
/// after the last one has ended.
#[derive(Debug, Default)]
pub struct Budget {
    /// Bytes a day; 0 is no limit.
    limit: AtomicU64,
    spent: AtomicU64,
    /// When the day began, in seconds.
    began: AtomicU64,
}

impl Budget {
    /// Bytes a day; 0 is no limit.
    pub fn limit(&self) -> u64 {
        self.limit.load(Ordering::Relaxed)
    }

    /// Changes the limit. What was spent today stays spent.
    pub fn set_limit(&self, bytes: u64) {
        self.limit.store(bytes, Ordering::Relaxed);
    }

    /// Bytes that may still be spent at `now`, in seconds.
    #[inline]
    pub fn left(&self, now: u32) -> u64 {
        let limit = self.limit();
        if limit == 0 {
            return u64::MAX;
        }
        if u64::from(now).saturating_sub(self.began.load(Ordering::Relaxed)) >= DAY {
            return limit;
        }
        limit.saturating_sub(self.spent.load(Ordering::Relaxed))
    }

    /// Spends bytes at `now`, in seconds. Without a limit nothing is counted.
    #[inline]
    pub fn spend(&self, bytes: u64, now: u32) {
        if self.limit() == 0 {
            return;
        }
        let began = self.began.load(Ordering::Relaxed);
        let now = u64::from(now);
        let is_new = now.saturating_sub(began) >= DAY || self.spent.load(Ordering::Relaxed) == 0;
        if is_new
            && self
                .began
                .compare_exchange(began, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
        {
            self.spent.store(0, Ordering::Relaxed);
        }
        self.spent.fetch_add(bytes, Ordering::Relaxed);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_a_limit() {
        let budget = Budget::default();
        assert_eq!(budget.left(5), u64::MAX);
        budget.spend(1000, 5);
        budget.set_limit(100);
        assert_eq!(budget.left(5), 100);
        budget.spend(60, 10);
        assert_eq!(budget.left(10), 40);
        budget.spend(60, 11);
        assert_eq!(budget.left(11), 0);
        assert_eq!(budget.left(10 + 86_399), 0);
        assert_eq!(budget.left(10 + 86_400), 100);
        budget.spend(30, 100_000);
        assert_eq!(budget.left(100_001), 70);
        budget.set_limit(0);
        assert_eq!(budget.left(100_001), u64::MAX);
    }
}
