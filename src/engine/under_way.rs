// SPDX-License-Identifier: GPL-2.0-only

//! Requests that a disk has not answered yet, and for how long at least.
//!
//! Requests are counted in two alternating epochs. When the older one has none left, the other one
//! becomes the older, and a new one begins: so everything left in the older one has been under
//! way since the newer one began, and there is no timestamp for each request.

use super::sync::{AtomicU64, Ordering};

/// The most writes of one disk under way while it does not answer: a part of the
/// reserve that all disks share.
pub const QUOTA: u64 = 48;

/// Requests under way. The alignment keeps others off the cache line, which all CPUs write to.
#[derive(Debug, Default)]
#[repr(align(64))]
pub struct UnderWay {
    /// The epoch in which new requests are counted: its lowest bit.
    epoch: AtomicU64,
    counts: [AtomicU64; 2],
    /// When the epoch began.
    since: AtomicU64,
}

/// The epoch in which a request is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(u64);

impl UnderWay {
    /// A request begins. Returns the ticket to [end](Self::end) it with, and whether nothing was under
    /// way before it.
    #[inline]
    pub fn begin(&self) -> (Ticket, bool) {
        let ticket = Ticket(self.epoch.load(Ordering::Relaxed) & 1);
        let was_idle = self.total() == 0;
        self.count(ticket).fetch_add(1, Ordering::SeqCst);
        (ticket, was_idle)
    }

    /// A request has ended. In any context.
    #[inline]
    pub fn end(&self, ticket: Ticket) {
        self.count(ticket).fetch_sub(1, Ordering::SeqCst);
    }

    /// How many are under way.
    #[inline]
    pub fn total(&self) -> u64 {
        self.counts.iter().fold(0, |sum, count| {
            sum.wrapping_add(count.load(Ordering::SeqCst))
        })
    }

    /// How many seconds ago the oldest request began, at least, at the time `now` in seconds; 0
    /// when there is none, or its age is unknown. The real age may be greater by as long as the
    /// request's epoch lasted, which is until those of the epoch before have ended. So the age of a
    /// request that does not end is known after twice that and two calls, at the latest. One caller
    /// at a time.
    pub fn age(&self, now: u64) -> u64 {
        let epoch = self.epoch.load(Ordering::Relaxed);
        let older = self.count(Ticket(epoch.wrapping_add(1) & 1));
        if older.load(Ordering::SeqCst) == 0 {
            self.since.store(now, Ordering::Relaxed);
            self.epoch.store(epoch.wrapping_add(1), Ordering::SeqCst);
            return 0;
        }
        now.saturating_sub(self.since.load(Ordering::Relaxed))
    }

    #[inline]
    fn count(&self, ticket: Ticket) -> &AtomicU64 {
        let [even, odd] = &self.counts;
        if ticket.0 == 0 {
            even
        } else {
            odd
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    #[test]
    fn a_request_that_does_not_end_grows_old() {
        let disk = UnderWay::default();
        assert_eq!(disk.age(100), 0);
        let (old, was_idle) = disk.begin();
        assert!(was_idle && disk.total() == 1);
        assert_eq!(disk.age(101), 0);
        // Others begin and end.
        for now in 102..110 {
            let (ticket, was_idle) = disk.begin();
            assert!(!was_idle);
            assert_eq!(disk.age(now), now - 101);
            disk.end(ticket);
        }
        disk.end(old);
        assert_eq!(disk.age(110), 0);
        assert_eq!(disk.total(), 0);
    }

    proptest! {
        /// Requests begin, end and are looked at, in any order: the age is never more than that
        /// of the oldest, and a request that does not end has its age after two more looks.
        #[test]
        fn the_age_is_that_of_the_oldest(steps in proptest::collection::vec((0u8..4, 0usize..8), 1..200)) {
            let disk = UnderWay::default();
            let mut requests: Vec<(Ticket, u64)> = Vec::new();
            let mut now = 1;
            for (step, which) in steps {
                match step {
                    0 => requests.push((disk.begin().0, now)),
                    1 if !requests.is_empty() => {
                        let (ticket, _) = requests.remove(which % requests.len());
                        disk.end(ticket);
                    }
                    2 => now += 1,
                    _ => {
                        let age = disk.age(now);
                        let real = requests.iter().map(|(_, since)| now - since).max();
                        prop_assert!(age <= real.unwrap_or(0));
                    }
                }
                prop_assert_eq!(disk.total(), requests.len() as u64);
            }
            disk.age(now);
            disk.age(now);
            let silent = disk.age(now + 7);
            prop_assert!(requests.is_empty() && silent == 0 || silent >= 7);
        }
    }
}
