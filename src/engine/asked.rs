// SPDX-License-Identifier: GPL-2.0-only

//! How many pages the shrinker has asked writeback for.
//!
//! Reclaim asks for a page or two at a time, and writeback writes a cluster's pages together, up
//! to 512 pages. So requests accumulate until they are worth writing, and what was written beyond
//! them counts towards the next ones.
//!
//! When reclaim finds nothing it asks for all of the tier, many times over, though none of that
//! would be there in time. So requests are limited per second.

use super::sync::{AtomicU64, Ordering};

/// The number of pages that are worth writing.
const AT_ONCE: u64 = 128;

/// The part of all pages that may be asked for in a second.
const PART: u64 = 256;

/// The balance without requests.
const NONE: u64 = 1 << 40;

/// Pages that were asked for, less those that were written.
#[derive(Debug)]
pub struct Asked {
    /// Above [`NONE`], or below it by what counts towards later requests.
    balance: AtomicU64,
    /// The current second, and what was asked for in it.
    second: AtomicU64,
    in_second: AtomicU64,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            balance: AtomicU64::new(NONE),
            second: AtomicU64::new(0),
            in_second: AtomicU64::new(0),
        }
    }
}

impl Asked {
    /// Asks for `pages` of `all` pages, at `now` in seconds.
    pub fn ask(&self, pages: u64, all: u64, now: u32) {
        let pages = self.allowed(pages, all, now);
        let (least, most) = (NONE.saturating_sub(all), NONE.saturating_add(all));
        self.change(|balance| {
            let left = balance.max(least);
            left.max(left.saturating_add(pages).min(most))
        });
    }

    /// How many of these pages may be asked for in this second. Concurrent callers may get a
    /// few more.
    fn allowed(&self, pages: u64, all: u64, now: u32) -> u64 {
        let now = u64::from(now);
        if self.second.swap(now, Ordering::Relaxed) != now {
            self.in_second.store(0, Ordering::Relaxed);
        }
        let before = self.in_second.fetch_add(pages, Ordering::Relaxed);
        pages.min((all / PART).max(1).saturating_sub(before))
    }

    /// Pages were written, for whatever reason.
    pub fn written(&self, pages: u64) {
        self.change(|balance| balance.saturating_sub(pages));
    }

    /// Nothing can be written: drops all requests.
    pub fn forget(&self) {
        self.change(|balance| balance.min(NONE));
    }

    /// Pages that are asked for. 0: too few to be worth writing.
    #[inline]
    pub fn pages(&self) -> u64 {
        let pages = self.balance.load(Ordering::Relaxed).saturating_sub(NONE);
        if pages < AT_ONCE {
            0
        } else {
            pages
        }
    }

    fn change(&self, change: impl Fn(u64) -> u64) {
        let _ = self
            .balance
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |balance| {
                Some(change(balance))
            });
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const MANY: u64 = 1000 * PART;

    #[test]
    fn requests_add_up() {
        let asked = Asked::default();
        for _ in 1..AT_ONCE {
            asked.ask(1, MANY, 5);
            assert_eq!(asked.pages(), 0);
        }
        asked.ask(2, MANY, 5);
        assert_eq!(asked.pages(), AT_ONCE + 1);
    }

    #[test]
    fn excess_pages_count_later() {
        let asked = Asked::default();
        asked.ask(AT_ONCE, MANY, 5);
        asked.written(AT_ONCE + 100);
        assert_eq!(asked.pages(), 0);
        asked.ask(AT_ONCE, MANY, 5);
        assert_eq!(asked.pages(), 0);
        asked.ask(100, MANY, 5);
        assert_eq!(asked.pages(), AT_ONCE);
    }

    #[test]
    fn no_more_is_asked_for_in_a_second_than_a_part() {
        let asked = Asked::default();
        for _ in 0..100 {
            asked.ask(MANY, MANY, 5);
        }
        assert_eq!(asked.pages(), 1000);
        asked.ask(300, MANY, 6);
        asked.ask(MANY, MANY, 6);
        assert_eq!(asked.pages(), 2000);
        // With few pages it takes a while until there is something to do.
        let asked = Asked::default();
        for second in 1..200 {
            asked.ask(20, 2 * PART, second);
            assert_eq!(asked.pages() != 0, u64::from(second) * 2 >= AT_ONCE);
        }
    }

    #[test]
    fn no_more_is_asked_for_than_there_is() {
        let asked = Asked::default();
        for second in 0..300 {
            asked.ask(2000, 200, second);
        }
        assert_eq!(asked.pages(), 200);
        // Some pages have been freed meanwhile.
        asked.ask(1, 150, 300);
        assert_eq!(asked.pages(), 200);
        asked.forget();
        assert_eq!(asked.pages(), 0);
        // At most all pages count later.
        asked.written(10_000);
        asked.forget();
        for second in 0..350 {
            asked.ask(10, 200, 500 + second);
        }
        assert_eq!(asked.pages(), 150);
    }
}
