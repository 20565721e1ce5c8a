// SPDX-License-Identifier: GPL-2.0-only

//! How long pages have found no room.

use super::sync::{AtomicU64, Ordering};

/// For how long pages must find no room before that is a shortage, in milliseconds. Meanwhile the kernel
/// may free slots of pages that are in memory as well.
const PATIENCE_MS: u64 = 1000;

/// It is no shortage while one page finds room for so many that find none.
const FOR_ONE: u64 = 4;

/// For how long it is no shortage because stored pages are in memory as well, though no page finds room, in
/// milliseconds: they may be locked there.
const LONGEST_MS: u64 = 30_000;

/// Whether pages find no room for so long that the kernel has to be told. Calls at the same time may
/// count one of themselves less, and delay it a little.
#[derive(Debug, Default)]
pub struct Shortage {
    /// When the present time of failing began, and when a page failed last, in milliseconds.
    began: AtomicU64,
    last: AtomicU64,
    /// How many pages have found no room since it began.
    failed: AtomicU64,
    /// How many pages had found room until it began.
    stored: AtomicU64,
    /// How many have by now, and since when.
    found: AtomicU64,
    found_at: AtomicU64,
}

impl Shortage {
    /// A page has found no room at `now`, in milliseconds; so many pages have found some on a disk so
    /// far. `can_free` says whether the kernel can free memory without any room, as stored pages are in
    /// memory as well. Returns whether it is a shortage.
    pub fn failed(&self, now: u64, stored: u64, can_free: impl FnOnce() -> bool) -> bool {
        let last = self.last.swap(now, Ordering::Relaxed);
        if now.saturating_sub(last) > PATIENCE_MS {
            self.begin(now, stored);
        }
        if self.found.swap(stored, Ordering::Relaxed) != stored {
            self.found_at.store(now, Ordering::Relaxed);
        }
        let failed = self.failed.fetch_add(1, Ordering::Relaxed);
        let lasts = now.saturating_sub(self.began.load(Ordering::Relaxed));
        if lasts < PATIENCE_MS {
            return false;
        }
        let found = stored.saturating_sub(self.stored.load(Ordering::Relaxed));
        let is_short = found.saturating_mul(FOR_ONE) < failed;
        if !is_short {
            self.begin(now, stored);
        }
        let since_found = now.saturating_sub(self.found_at.load(Ordering::Relaxed));
        is_short && (lasts.min(since_found) >= LONGEST_MS || !can_free())
    }

    fn begin(&self, now: u64, stored: u64) {
        self.began.store(now, Ordering::Relaxed);
        self.failed.store(0, Ordering::Relaxed);
        self.stored.store(stored, Ordering::Relaxed);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// Pages fail each 10 ms from `from` on, and every `one_in`th page finds room meanwhile. Returns for
    /// how long, in milliseconds, until it is a shortage.
    fn lasts(shortage: &Shortage, from: u64, one_in: Option<u64>) -> Option<u64> {
        let mut stored = 70;
        for step in 0..1000 {
            if shortage.failed(from + step * 10, stored, || false) {
                return Some(step * 10);
            }
            stored += u64::from(one_in.is_some_and(|one_in| step % one_in == 0));
        }
        None
    }

    #[test]
    fn it_takes_a_second_in_which_no_page_finds_room() {
        assert_eq!(lasts(&Shortage::default(), 5000, None), Some(PATIENCE_MS));
    }

    #[test]
    fn a_pause_begins_it_anew() {
        let shortage = Shortage::default();
        assert!(!shortage.failed(5000, 0, || false));
        assert!(!shortage.failed(5999, 0, || false));
        assert!(shortage.failed(6000, 0, || false));
        assert!(!shortage.failed(7001, 0, || false));
        assert!(!shortage.failed(8000, 0, || false));
        assert!(shortage.failed(8001, 0, || false));
    }

    #[test]
    fn there_is_none_while_pages_find_room_in_between() {
        assert_eq!(lasts(&Shortage::default(), 5000, Some(3)), None);
        assert_eq!(
            lasts(&Shortage::default(), 5000, Some(20)),
            Some(PATIENCE_MS)
        );
    }

    #[test]
    fn what_was_found_before_does_not_count() {
        let shortage = Shortage::default();
        // It begins with 0 pages, and again with 100.
        assert!(!shortage.failed(5000, 0, || false));
        assert!(!shortage.failed(6000, 100, || false));
        assert!(!shortage.failed(6500, 100, || false));
        assert!(shortage.failed(7000, 100, || false));
    }

    #[test]
    fn there_is_none_while_pages_are_in_memory_as_well_but_not_for_ever() {
        let shortage = Shortage::default();
        for at in (5000..35_000).step_by(500) {
            assert!(!shortage.failed(at, 0, || true));
        }
        assert!(shortage.failed(35_000, 0, || true));

        // A page finds room, and with it one of each fifty that need some.
        let shortage = Shortage::default();
        for (at, stored) in (5000..80_000).step_by(500).zip(1..) {
            assert!(!shortage.failed(at, stored / 50, || true));
        }
        assert!(shortage.failed(80_000, 3, || false));
    }
}
