// SPDX-License-Identifier: GPL-2.0-only

//! How a disk is doing, and what may be done with it.

use super::sync::{AtomicU64, Ordering};

/// Errors in a row that make a disk a failed one.
pub const ERRORS_IN_A_ROW: u64 = 8;

/// What may be done with a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Pages are stored and read.
    Active,
    /// It is being emptied: pages are read, and none is stored.
    Draining,
    /// It keeps failing: as when draining, but nobody empties it yet.
    Failed,
}

impl State {
    /// The name shown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Draining => "draining",
            Self::Failed => "failed",
        }
    }
}

/// A disk's state and its errors. Its completions, in any context, tell how they went.
#[derive(Debug, Default)]
pub struct Health {
    /// One of the phases below.
    draining: AtomicU64,
    /// Bytes in use when draining began.
    drained_from: AtomicU64,
    /// Bytes that were moved away, and stay in use until nobody reads them any more.
    moved: AtomicU64,
    /// The most that [`Self::drained`] has given since draining began.
    drained: AtomicU64,
    failing: AtomicU64,
    in_a_row: AtomicU64,
    errors: AtomicU64,
}

const NOT_DRAINING: u64 = 0;
const DRAINING: u64 = 1;
const CANCELLED: u64 = 2;

impl Health {
    /// What may be done with the disk.
    #[inline]
    pub fn state(&self) -> State {
        if self.draining.load(Ordering::Acquire) != NOT_DRAINING {
            State::Draining
        } else if self.is_failing() {
            State::Failed
        } else {
            State::Active
        }
    }

    /// Whether the disk keeps failing, draining or not.
    pub fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Acquire) != 0
    }

    /// Starts draining; `false` when somebody drains the disk already.
    pub fn start_draining(&self) -> bool {
        self.go(NOT_DRAINING, DRAINING)
    }

    /// Stops draining; the disk is in service again, unless it fails.
    pub fn stop_draining(&self) {
        for figure in [&self.drained_from, &self.moved, &self.drained] {
            figure.store(0, Ordering::Relaxed);
        }
        self.draining.store(NOT_DRAINING, Ordering::Release);
    }

    /// Has who drains the disk stop; `false` when nobody does, or is to stop already.
    pub fn cancel(&self) -> bool {
        self.go(DRAINING, CANCELLED)
    }

    /// Whether who drains the disk is to stop.
    pub fn is_cancelled(&self) -> bool {
        self.draining.load(Ordering::Acquire) == CANCELLED
    }

    fn go(&self, from: u64, to: u64) -> bool {
        self.draining
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    /// Notes how many bytes are to be drained. None of them is yet, whatever who looked at the last
    /// moment of a drain before this one has left.
    pub fn set_drained_from(&self, bytes: u64) {
        self.drained.store(0, Ordering::Relaxed);
        self.drained_from.store(bytes, Ordering::Relaxed);
    }

    /// Notes how many of the bytes in use were moved away already. To be told before they are
    /// freed.
    pub fn set_moved(&self, bytes: u64) {
        self.moved.store(bytes, Ordering::Relaxed);
    }

    /// Bytes drained, and all that are to be, while the disk is being drained and `used` bytes of
    /// it are in use. The first of them never becomes less.
    pub fn drained(&self, used: u64) -> Option<(u64, u64)> {
        if self.state() != State::Draining {
            return None;
        }
        let total = self.drained_from.load(Ordering::Relaxed);
        let left = used.saturating_sub(self.moved.load(Ordering::Relaxed));
        let now = total.saturating_sub(left);
        let before = self.drained.fetch_max(now, Ordering::Relaxed);
        Some((before.max(now), total))
    }

    /// A transfer succeeded.
    #[inline]
    pub fn succeeded(&self) {
        // Written when it changes only, so that CPUs share the line.
        if self.in_a_row.load(Ordering::Relaxed) != 0 {
            self.in_a_row.store(0, Ordering::Relaxed);
        }
    }

    /// A transfer failed, perhaps since the disk is gone. Says whether that makes the disk a
    /// failed one now.
    pub fn failed(&self, gone: bool) -> bool {
        self.errors.fetch_add(1, Ordering::Relaxed);
        let in_a_row = self.in_a_row.fetch_add(1, Ordering::Relaxed);
        let keeps_failing = gone || in_a_row.wrapping_add(1) >= ERRORS_IN_A_ROW;
        keeps_failing && self.failing.swap(1, Ordering::AcqRel) == 0
    }

    /// Errors so far.
    pub fn errors(&self) -> u64 {
        self.errors.load(Ordering::Relaxed)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn errors_in_a_row_make_a_disk_fail_once() {
        let health = Health::default();
        for _ in 1..ERRORS_IN_A_ROW {
            assert!(!health.failed(false));
        }
        health.succeeded();
        for _ in 1..ERRORS_IN_A_ROW {
            assert!(!health.failed(false));
        }
        assert_eq!(health.state(), State::Active);
        assert!(health.failed(false));
        assert!(!health.failed(false));
        assert_eq!(health.state(), State::Failed);
        assert_eq!(health.errors(), 2 * ERRORS_IN_A_ROW);
    }

    #[test]
    fn a_disk_that_is_gone_fails_at_once() {
        let health = Health::default();
        assert!(health.failed(true));
        assert_eq!(health.state(), State::Failed);
        assert!(health.start_draining());
        assert_eq!(health.state(), State::Draining);
        assert!(health.is_failing());
    }

    #[test]
    fn a_disk_is_drained_by_one_and_can_be_cancelled() {
        let health = Health::default();
        assert!(!health.cancel());
        assert!(health.start_draining() && !health.start_draining());
        health.set_drained_from(5);
        assert_eq!(health.drained(5), Some((0, 5)));
        assert!(!health.is_cancelled() && health.cancel() && !health.cancel());
        assert!(health.is_cancelled() && !health.start_draining());
        health.stop_draining();
        assert_eq!((health.state(), health.drained(5)), (State::Active, None));
        assert!(!health.is_cancelled());
    }

    #[test]
    fn what_was_moved_is_drained_before_it_is_free() {
        let health = Health::default();
        assert!(health.start_draining());
        health.set_drained_from(10);
        health.set_moved(4);
        assert_eq!(health.drained(10), Some((4, 10)));
        assert!(!health.start_draining());
        // It is freed.
        health.set_moved(0);
        assert_eq!(health.drained(10), Some((4, 10)));
        assert_eq!(health.drained(6), Some((4, 10)));
        assert_eq!(health.drained(3), Some((7, 10)));
        health.stop_draining();
        assert!(health.start_draining());
        assert_eq!(health.drained(3), Some((0, 0)));
        health.drained.store(7, Ordering::Relaxed);
        health.set_drained_from(3);
        assert_eq!(health.drained(3), Some((0, 3)));
    }
}
