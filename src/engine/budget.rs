// SPDX-License-Identifier: GPL-2.0-only

//! How much may be written to disks in a day, to spare flash.

use super::page::PAGE_SIZE;
use super::sync::{AtomicU64, Ordering};

/// Minutes in a day.
const DAY: u64 = 1440;

const PAGE_BYTES: u64 = PAGE_SIZE as u64;

/// A day's word: its start, in minutes, above the pages that were spent in it.
const SPENT_BITS: u32 = 37;
const SPENT: u64 = (1 << SPENT_BITS) - 1;

/// A limit on bytes a day, and what is spent of it, in whole pages. A day begins with the first page
/// that is spent after the last one has ended.
#[derive(Debug, Default)]
pub struct Budget {
    /// Bytes a day; 0 is no limit.
    limit: AtomicU64,
    day: AtomicU64,
}

/// The current day at `now`, in seconds, with what was spent in it so far.
#[inline]
fn today(day: u64, now: u32) -> u64 {
    let now = u64::from(now / 60);
    if day & SPENT == 0 || now.saturating_sub(day >> SPENT_BITS) >= DAY {
        now << SPENT_BITS
    } else {
        day
    }
}

/// The day after that many more pages are spent in it.
#[inline]
fn spent(day: u64, pages: u64) -> u64 {
    let sum = (day & SPENT).saturating_add(pages);
    day & !SPENT | sum.min(SPENT)
}

impl Budget {
    /// Bytes a day; 0 is no limit.
    #[inline]
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
        let day = today(self.day.load(Ordering::Relaxed), now);
        limit.saturating_sub((day & SPENT).saturating_mul(PAGE_BYTES))
    }

    /// Spends that many pages at `now`, in seconds, if all of them are within the limit, or there is
    /// none. Says whether it did.
    #[inline]
    pub fn take(&self, pages: u64, now: u32) -> bool {
        let limit = self.limit();
        if limit == 0 {
            return true;
        }
        let taken = self
            .day
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |day| {
                let day = today(day, now);
                let sum = (day & SPENT).saturating_add(pages);
                (sum <= limit / PAGE_BYTES && sum <= SPENT).then(|| spent(day, pages))
            });
        taken.is_ok()
    }

    /// Returns pages that were spent and are not written.
    pub fn give_back(&self, pages: u64) {
        let _ = self
            .day
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |day| {
                Some(day & !SPENT | (day & SPENT).saturating_sub(pages))
            });
    }

    /// Spends bytes at `now`, in seconds, regardless of the limit. Without a limit nothing is counted.
    #[inline]
    pub fn spend(&self, bytes: u64, now: u32) {
        if self.limit() == 0 {
            return;
        }
        let pages = bytes.div_ceil(PAGE_BYTES);
        let _ = self
            .day
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |day| {
                Some(spent(today(day, now), pages))
            });
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DAY_SECONDS: u32 = 86_400;

    fn bytes(pages: u64) -> u64 {
        pages * PAGE_BYTES
    }

    #[test]
    fn a_day_has_a_limit() {
        let budget = Budget::default();
        assert_eq!(budget.left(5), u64::MAX);
        budget.spend(bytes(1000), 5);
        assert!(budget.take(1000, 5));
        budget.set_limit(bytes(100));
        assert_eq!(budget.left(5), bytes(100));
        budget.spend(bytes(60), 10);
        assert_eq!(budget.left(10), bytes(40));
        assert!(!budget.take(41, 10));
        assert!(budget.take(40, 10));
        assert!(!budget.take(1, 11));
        budget.give_back(3);
        assert_eq!(budget.left(11), bytes(3));
        budget.spend(bytes(60), 11);
        assert_eq!(budget.left(11), 0);
        assert_eq!(budget.left(DAY_SECONDS - 1), 0);
        assert!(!budget.take(1, DAY_SECONDS - 1));
        assert_eq!(budget.left(DAY_SECONDS), bytes(100));
        assert!(budget.take(30, 100_000));
        assert_eq!(budget.left(100_001), bytes(70));
        budget.set_limit(0);
        assert_eq!(budget.left(100_001), u64::MAX);
    }

    #[test]
    fn a_limit_below_a_page_lets_none_be_written() {
        let budget = Budget::default();
        budget.set_limit(PAGE_BYTES - 1);
        assert!(!budget.take(1, 5));
        assert_eq!(budget.left(5), PAGE_BYTES - 1);
    }

    #[test]
    fn more_than_can_be_counted_is_as_much_as_can() {
        let budget = Budget::default();
        budget.set_limit(u64::MAX);
        budget.spend(u64::MAX, u32::MAX);
        assert_eq!(budget.left(u32::MAX), u64::MAX - bytes(SPENT));
        assert!(!budget.take(1, u32::MAX));
    }

    proptest! {
        #[test]
        fn no_more_is_taken_than_the_limit(
            limit in 0..200u64,
            takes in proptest::collection::vec((1..20u64, 0..20_000u32), 0..100),
        ) {
            let budget = Budget::default();
            budget.set_limit(bytes(limit) + 1);
            let (mut now, mut began, mut sum) = (0, None, 0);
            for (pages, pause) in takes {
                now += pause;
                if began.is_some_and(|began| now / 60 - began >= 1440) {
                    (began, sum) = (None, 0);
                }
                let is_taken = budget.take(pages, now);
                prop_assert_eq!(is_taken, sum + pages <= limit);
                if is_taken {
                    began = began.or(Some(now / 60));
                    sum += pages;
                }
            }
        }
    }
}

#[cfg(all(test, loom))]
mod models {
    use super::super::model::in_every_order;
    use super::*;
    use loom::sync::Arc;
    use loom::thread;

    #[test]
    fn two_take_no_more_than_there_is() {
        in_every_order(|| {
            let budget = Arc::new(Budget::default());
            budget.set_limit(3 * PAGE_BYTES);
            // The day ends in between.
            budget.spend(PAGE_BYTES, 0);
            let now = 86_400;
            let other = {
                let budget = Arc::clone(&budget);
                thread::spawn(move || budget.take(2, now))
            };
            let here = budget.take(2, now);
            let there = other.join().unwrap();
            assert!(here != there);
            assert_eq!(budget.left(now), PAGE_BYTES);
        });
    }
}
