// SPDX-License-Identifier: GPL-2.0-only

//! The health of a disk, and its consequences.

use super::sync::{AtomicU64, Ordering};
use super::traffic::Direction;

/// Failed writes in a row that make a disk failed; as many failed reads have it probed.
pub const ERRORS_IN_A_ROW: u64 = 8;

/// For how long a disk must not answer a request to be stuck, in seconds.
pub const STUCK_AFTER: u64 = 5;

/// For how long a disk must not answer to be limited to a quota, in seconds.
pub const LAGS_AFTER: u64 = 1;

/// The time until a failed or full disk is first probed, in seconds; it doubles
/// with each probe that fails.
pub const FIRST_WAIT: u64 = 1;

/// The longest such time, in seconds.
pub const LONGEST_WAIT: u64 = 64;

/// How a disk can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Pages are stored and read.
    Active,
    /// It is being drained: pages are read, and none is stored.
    Draining,
    /// It keeps failing, and takes no pages until it has been probed.
    Failed,
    /// It does not answer, and takes no pages until it does.
    Stuck,
    /// What it lies on has no space left, and it takes no pages for a while.
    Full,
}

impl State {
    /// The name shown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Draining => "draining",
            Self::Failed => "failed",
            Self::Stuck => "stuck",
            Self::Full => "full",
        }
    }
}

/// Why a transfer failed, as far as the block layer knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The disk gives no other reason.
    Device,
    /// The place is bad, which says nothing about others.
    Medium,
    /// There is no space below the disk.
    Space,
    /// The disk was not reached, or had no time or memory for the transfer.
    Path,
    /// The disk is gone for good.
    Gone,
}

impl Fault {
    /// Whether a slot with such a failed write must not be used again.
    pub const fn is_of_place(self) -> bool {
        matches!(self, Self::Device | Self::Medium)
    }
}

/// How a transfer has changed a disk's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Not at all.
    None,
    /// It is now failed.
    Failed,
    /// It is now full.
    Full,
    /// It may be failing, and must be probed.
    Suspected,
}

/// A disk's state and its errors. Completions, in any context, report their results.
#[derive(Debug, Default)]
pub struct Health {
    /// One of the phases below.
    draining: AtomicU64,
    /// Bytes in use when draining began.
    drained_from: AtomicU64,
    /// Bytes that were moved away, and stay in use until their readers have left.
    moved: AtomicU64,
    /// The most that [`Self::drained`] has returned since draining began.
    drained: AtomicU64,
    /// Why it takes no pages: the bits below.
    unfit: AtomicU64,
    /// Writes, and reads, that failed in a row.
    writes_in_a_row: AtomicU64,
    reads_in_a_row: AtomicU64,
    /// Whether it was taken back, and no page has been written to it since.
    on_trial: AtomicU64,
    errors: AtomicU64,
    recovered: AtomicU64,
    /// For how long it has not answered, in seconds, and, if it is stuck, since when.
    silent: AtomicU64,
    stuck_since: AtomicU64,
    /// When it is to be probed next, in seconds, and the time until the one after that.
    due: AtomicU64,
    wait: AtomicU64,
}

const FAILED: u64 = 1;
const STUCK: u64 = 2;
const FULL: u64 = 4;

const NOT_DRAINING: u64 = 0;
const DRAINING: u64 = 1;
const CANCELLED: u64 = 2;

impl Health {
    /// How the disk can be used.
    pub fn state(&self) -> State {
        let unfit = self.unfit.load(Ordering::Acquire);
        if self.draining.load(Ordering::Acquire) != NOT_DRAINING {
            State::Draining
        } else if unfit & FAILED != 0 {
            State::Failed
        } else if unfit & STUCK != 0 {
            State::Stuck
        } else if unfit & FULL != 0 {
            State::Full
        } else {
            State::Active
        }
    }

    /// Whether the disk takes pages.
    #[inline]
    pub fn is_active(&self) -> bool {
        self.unfit.load(Ordering::Acquire) == 0
            && self.draining.load(Ordering::Acquire) == NOT_DRAINING
    }

    /// Whether the disk takes pages, or would if it answered.
    pub fn is_fit(&self) -> bool {
        !self.is(FAILED | FULL) && self.draining.load(Ordering::Acquire) == NOT_DRAINING
    }

    /// Whether the disk keeps failing, draining or not.
    pub fn is_failing(&self) -> bool {
        self.is(FAILED)
    }

    /// Whether the disk does not answer, draining or not.
    #[inline]
    pub fn is_stuck(&self) -> bool {
        self.is(STUCK)
    }

    /// Whether the disk has not answered for a short time.
    #[inline]
    pub fn is_lagging(&self) -> bool {
        self.silent.load(Ordering::Relaxed) >= LAGS_AFTER
    }

    /// Whether there is no space below the disk, draining or not.
    pub fn is_full(&self) -> bool {
        self.is(FULL)
    }

    /// Since when it has not answered, in seconds, if it doesn't.
    pub fn stuck_since(&self) -> Option<u64> {
        self.is_stuck()
            .then(|| self.stuck_since.load(Ordering::Relaxed))
    }

    #[inline]
    fn is(&self, why: u64) -> bool {
        self.unfit.load(Ordering::Acquire) & why != 0
    }

    /// Says whether that is new.
    fn set(&self, why: u64) -> bool {
        self.unfit.fetch_or(why, Ordering::AcqRel) & why == 0
    }

    /// Says whether that is new.
    fn clear(&self, why: u64) -> bool {
        self.unfit.fetch_and(!why, Ordering::AcqRel) & why != 0
    }

    /// Starts draining; `false` when the disk is being drained already.
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

    /// Stops a drain of the disk; `false` when there is none, or it is stopping already.
    pub fn cancel(&self) -> bool {
        self.go(DRAINING, CANCELLED)
    }

    /// Whether the drain is to stop.
    pub fn is_cancelled(&self) -> bool {
        self.draining.load(Ordering::Acquire) == CANCELLED
    }

    fn go(&self, from: u64, to: u64) -> bool {
        self.draining
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    /// Records how many bytes are to be drained. None of them is yet, whatever a late reader of the
    /// previous drain's progress has left.
    pub fn set_drained_from(&self, bytes: u64) {
        self.drained.store(0, Ordering::Relaxed);
        self.drained_from.store(bytes, Ordering::Relaxed);
    }

    /// Records how many of the bytes in use were moved away already. Called before they are
    /// freed.
    pub fn set_moved(&self, bytes: u64) {
        self.moved.store(bytes, Ordering::Relaxed);
    }

    /// Bytes drained, and all that are to be, while the disk is being drained and `used` bytes of
    /// it are in use. The former never decreases.
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

    /// A transfer succeeded. Says whether that shows that a disk which was taken back has
    /// recovered.
    #[inline]
    pub fn succeeded(&self, direction: Direction) -> bool {
        let in_a_row = self.in_a_row(direction);
        // Written only when it changes, so that CPUs share the line.
        if in_a_row.load(Ordering::Relaxed) != 0 {
            in_a_row.store(0, Ordering::Relaxed);
            return direction == Direction::Write && self.passed();
        }
        false
    }

    #[cold]
    fn passed(&self) -> bool {
        if self.on_trial.swap(0, Ordering::AcqRel) == 0 {
            return false;
        }
        self.recovered.fetch_add(1, Ordering::Relaxed);
        self.wait.store(FIRST_WAIT, Ordering::Relaxed);
        true
    }

    /// A transfer failed. Returns the change of the disk's state.
    ///
    /// Bad places, and a lack of space, say nothing about the disk. Other failed writes make
    /// it failed, when there are too many in a row, or after a single one if it is on trial.
    /// Failed reads don't, as bad places may be next to each other: they have it probed.
    pub fn failed(&self, direction: Direction, fault: Fault) -> Change {
        self.errors.fetch_add(1, Ordering::Relaxed);
        let is_failed = match (fault, direction) {
            (Fault::Medium, _) => false,
            (Fault::Space, _) => {
                return if self.set(FULL) {
                    Change::Full
                } else {
                    Change::None
                };
            }
            (Fault::Gone, _) => true,
            (Fault::Device | Fault::Path, Direction::Write) => {
                self.one_more(direction) >= ERRORS_IN_A_ROW
            }
            (Fault::Device | Fault::Path, Direction::Read) => {
                let in_a_row = self.one_more(direction);
                return if in_a_row == ERRORS_IN_A_ROW {
                    Change::Suspected
                } else {
                    Change::None
                };
            }
        };
        if is_failed && self.set(FAILED) {
            Change::Failed
        } else {
            Change::None
        }
    }

    fn one_more(&self, direction: Direction) -> u64 {
        let before = self.in_a_row(direction).fetch_add(1, Ordering::Relaxed);
        before.saturating_add(1)
    }

    #[inline]
    fn in_a_row(&self, direction: Direction) -> &AtomicU64 {
        match direction {
            Direction::Read => &self.reads_in_a_row,
            Direction::Write => &self.writes_in_a_row,
        }
    }

    /// Whether the disk must be watched: it is failed, full or suspected.
    pub fn is_doubtful(&self) -> bool {
        self.is(FAILED | FULL) || self.reads_in_a_row.load(Ordering::Relaxed) >= ERRORS_IN_A_ROW
    }

    /// Whether it is time to probe the disk, at `now` in seconds. One caller at a time, as for the
    /// following.
    pub fn is_due(&self, now: u64) -> bool {
        if self.is_doubtful() && self.due.load(Ordering::Relaxed) == 0 {
            self.put_off(now);
        }
        self.is_doubtful() && now >= self.due.load(Ordering::Relaxed)
    }

    fn put_off(&self, now: u64) {
        let wait = self.wait.load(Ordering::Relaxed).max(FIRST_WAIT);
        self.due.store(now.saturating_add(wait), Ordering::Relaxed);
        let next = wait.saturating_mul(2).min(LONGEST_WAIT);
        self.wait.store(next, Ordering::Relaxed);
    }

    /// Makes a probe due at once. Says whether there is a reason for one. May be called by anybody.
    pub fn probe_now(&self) -> bool {
        self.due.store(1, Ordering::Relaxed);
        self.is_doubtful()
    }

    /// The disk was probed: its first page was read, compared, and written again;
    /// or one of those failed. Says whether that makes it failed now.
    pub fn probed(&self, is_well: bool, now: u64) -> bool {
        if is_well {
            self.reads_in_a_row.store(0, Ordering::Relaxed);
            self.due.store(0, Ordering::Relaxed);
            self.clear(FULL);
            if self.is(FAILED) {
                let last = ERRORS_IN_A_ROW.saturating_sub(1);
                self.writes_in_a_row.store(last, Ordering::Relaxed);
                self.on_trial.store(1, Ordering::Release);
                self.clear(FAILED);
            }
            false
        } else {
            self.put_off(now);
            self.set(FAILED)
        }
    }

    /// For how long at least the oldest request has been under way, in seconds, at the time
    /// `now`. Returns whether the disk is stuck or answers again, if that is new.
    pub fn silent_for(&self, seconds: u64, now: u64) -> Option<State> {
        if self.silent.load(Ordering::Relaxed) != seconds {
            self.silent.store(seconds, Ordering::Relaxed);
        }
        if seconds < STUCK_AFTER {
            return self.clear(STUCK).then_some(State::Active);
        }
        if self.is_stuck() {
            return None;
        }
        let since = now.saturating_sub(seconds);
        self.stuck_since.store(since, Ordering::Relaxed);
        self.set(STUCK).then_some(State::Stuck)
    }

    /// How often the disk was taken back, and then recovered.
    pub fn recovered(&self) -> u64 {
        self.recovered.load(Ordering::Relaxed)
    }

    /// Errors so far.
    pub fn errors(&self) -> u64 {
        self.errors.load(Ordering::Relaxed)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    use Direction::{Read, Write};

    #[test]
    fn writes_that_fail_in_a_row_make_a_disk_fail_once() {
        let health = Health::default();
        for _ in 1..ERRORS_IN_A_ROW {
            assert_eq!(health.failed(Write, Fault::Device), Change::None);
        }
        assert!(!health.succeeded(Write));
        for _ in 1..ERRORS_IN_A_ROW {
            assert_eq!(health.failed(Write, Fault::Path), Change::None);
        }
        // Reads do not affect writes.
        assert!(!health.succeeded(Read));
        assert_eq!(health.state(), State::Active);
        assert_eq!(health.failed(Write, Fault::Device), Change::Failed);
        assert_eq!(health.failed(Write, Fault::Device), Change::None);
        assert_eq!(health.state(), State::Failed);
        assert!(!health.is_active());
        assert_eq!(health.errors(), 2 * ERRORS_IN_A_ROW);
    }

    #[test]
    fn bad_places_don_t_make_a_disk_fail() {
        let health = Health::default();
        for _ in 0..2 * ERRORS_IN_A_ROW {
            assert_eq!(health.failed(Write, Fault::Medium), Change::None);
            assert_eq!(health.failed(Read, Fault::Medium), Change::None);
        }
        assert!(health.is_active() && !health.is_doubtful());
    }

    #[test]
    fn reads_that_fail_in_a_row_have_a_disk_probed() {
        let health = Health::default();
        for _ in 1..ERRORS_IN_A_ROW {
            assert_eq!(health.failed(Read, Fault::Device), Change::None);
        }
        assert!(!health.is_due(9));
        assert_eq!(health.failed(Read, Fault::Device), Change::Suspected);
        assert_eq!(health.failed(Read, Fault::Device), Change::None);
        assert!(health.is_active() && !health.is_due(10) && health.is_due(10 + FIRST_WAIT));
        assert!(!health.probed(true, 11));
        assert!(health.is_active() && !health.is_doubtful());
        for _ in 0..ERRORS_IN_A_ROW {
            health.failed(Read, Fault::Device);
        }
        assert!(health.probed(false, 12));
        assert!(!health.probed(false, 13));
        assert_eq!(health.state(), State::Failed);
    }

    #[test]
    fn a_failed_disk_is_probed_less_and_less_often_and_taken_back_on_trial() {
        let health = Health::default();
        for _ in 0..ERRORS_IN_A_ROW {
            health.failed(Write, Fault::Path);
        }
        let (mut now, mut wait) = (100, FIRST_WAIT);
        assert!(!health.is_due(now));
        for _ in 0..9 {
            assert!(!health.is_due(now + wait - 1));
            now += wait;
            assert!(health.is_due(now));
            assert!(!health.probed(false, now));
            wait = (2 * wait).min(LONGEST_WAIT);
        }
        assert!(!health.is_due(now) && health.probe_now() && health.is_due(now));
        assert!(!health.probed(true, now));
        assert!(health.is_active() && !health.probe_now());
        assert_eq!(health.recovered(), 0);
        // One is enough now.
        assert_eq!(health.failed(Write, Fault::Path), Change::Failed);
        assert!(health.probe_now() && !health.probed(true, now));
        assert!(health.succeeded(Write) && !health.succeeded(Write));
        assert_eq!((health.state(), health.recovered()), (State::Active, 1));
        assert_eq!(health.failed(Write, Fault::Path), Change::None);
    }

    #[test]
    fn a_disk_without_space_below_takes_pages_again_later() {
        let health = Health::default();
        assert_eq!(health.failed(Write, Fault::Space), Change::Full);
        assert_eq!(health.failed(Write, Fault::Space), Change::None);
        assert_eq!(health.state(), State::Full);
        assert!(!health.is_due(10) && health.is_due(10 + FIRST_WAIT));
        assert!(!health.probed(true, 11));
        assert_eq!((health.state(), health.recovered()), (State::Active, 0));
        // The next time it takes longer.
        health.failed(Write, Fault::Space);
        assert!(!health.is_due(20) && !health.is_due(20 + FIRST_WAIT));
        assert!(health.is_due(20 + 2 * FIRST_WAIT));
    }

    #[test]
    fn a_silent_disk_is_stuck_until_it_answers() {
        let health = Health::default();
        assert!(!health.is_lagging());
        assert_eq!(health.silent_for(STUCK_AFTER - 1, 50), None);
        assert!(health.is_active() && health.is_lagging());
        assert_eq!(health.silent_for(STUCK_AFTER, 51), Some(State::Stuck));
        assert_eq!(health.silent_for(STUCK_AFTER + 1, 52), None);
        assert_eq!(health.stuck_since(), Some(51 - STUCK_AFTER));
        assert_eq!(health.state(), State::Stuck);
        assert!(!health.is_active());
        assert_eq!(health.silent_for(0, 53), Some(State::Active));
        assert!(health.is_active() && !health.is_lagging() && health.stuck_since().is_none());
    }

    #[test]
    fn a_disk_that_is_gone_fails_at_once() {
        let health = Health::default();
        assert_eq!(health.failed(Read, Fault::Gone), Change::Failed);
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
    fn moved_pages_count_as_drained_before_they_are_free() {
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
