// SPDX-License-Identifier: GPL-2.0-only

//! How long tasks may still wait.

use super::sync::{AtomicU64, Ordering};

/// Milliseconds that a task may wait in a [`PERIOD`].
pub const ALLOWED: u32 = 100;

/// Milliseconds, of which a task may wait for a half: as long as it stores as fast as pages are
/// written back, the tier's order of age is kept.
const PERIOD: u64 = 200;

/// Tasks are told apart by their number modulo this.
const PLACES: usize = 64;

/// A place's word: when its period began, above how much was waited in it.
const WAITED_BITS: u32 = 16;
const WAITED: u64 = (1 << WAITED_BITS) - 1;

/// How long tasks have waited recently: each may for [`ALLOWED`] milliseconds in a [`PERIOD`], however
/// often it asks. Tasks that share a place share that allowance.
#[derive(Debug)]
pub struct Patience([AtomicU64; PLACES]);

impl Default for Patience {
    fn default() -> Self {
        Self(core::array::from_fn(|_| AtomicU64::new(0)))
    }
}

fn is_over(place: u64, now: u64) -> bool {
    now.saturating_sub(place >> WAITED_BITS) >= PERIOD
}

impl Patience {
    #[allow(
        clippy::indexing_slicing,
        reason = "the remainder is below the number of places"
    )]
    fn place(&self, task: u32) -> &AtomicU64 {
        &self.0[task as usize % PLACES]
    }

    /// Milliseconds that a task may wait at `now`, in milliseconds.
    pub fn left(&self, task: u32, now: u64) -> u32 {
        let place = self.place(task).load(Ordering::Relaxed);
        if is_over(place, now) {
            return ALLOWED;
        }
        let waited = u32::try_from(place & WAITED).unwrap_or(ALLOWED);
        ALLOWED.saturating_sub(waited)
    }

    /// A task has waited that many milliseconds until `now`.
    pub fn waited(&self, task: u32, milliseconds: u64, now: u64) {
        let place = self.place(task);
        let old = place.load(Ordering::Relaxed);
        let (began, before) = if is_over(old, now) {
            (now.saturating_sub(milliseconds), 0)
        } else {
            (old >> WAITED_BITS, old & WAITED)
        };
        let waited = before.saturating_add(milliseconds).min(WAITED);
        // A wait at the same time and in the same place may be lost: then a task may
        // wait a little longer.
        place.store((began << WAITED_BITS) | waited, Ordering::Relaxed);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_task_waits_no_longer_than_it_may() {
        let patience = Patience::default();
        assert_eq!(patience.left(7, 5000), ALLOWED);
        patience.waited(7, 60, 5060);
        assert_eq!(patience.left(7, 5060), 40);
        assert_eq!(patience.left(8, 5060), ALLOWED);
        patience.waited(7, 60, 5150);
        assert_eq!(patience.left(7, 5199), 0);
        assert_eq!(patience.left(7, 5200), ALLOWED);
        patience.waited(7, 1, 5200);
        assert_eq!(patience.left(7, 5200), ALLOWED - 1);
        patience.waited(7, u64::MAX, u64::MAX);
    }

    proptest! {
        #[test]
        fn in_no_period_is_more_waited(pauses in proptest::collection::vec(0..150u64, 1..60)) {
            let patience = Patience::default();
            let mut now = 10_000;
            let mut waits = std::vec::Vec::new();
            for pause in pauses {
                now += pause;
                let wait = u64::from(patience.left(1, now));
                waits.push((now, now + wait));
                now += wait;
                if wait != 0 {
                    patience.waited(1, wait, now);
                }
            }
            for (begin, _) in &waits {
                let end = begin + PERIOD;
                let within = waits.iter().map(|(from, to)| {
                    to.min(&end).saturating_sub(*from.max(begin))
                });
                // The end of a period and the beginning of the next may be adjacent.
                prop_assert!(within.sum::<u64>() <= 2 * u64::from(ALLOWED));
            }
        }
    }
}
