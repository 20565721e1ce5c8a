// SPDX-License-Identifier: GPL-2.0-only

//! Whether pages that were read ahead lately are asked for.
//!
//! Memory that is swapped out in order does not lie entirely in order, so a sequential reader jumps now and
//! then. While nearly all pages that are read ahead are asked for, a jump reads ahead at once at the new
//! place. Under random access, what is read ahead soon uses up the trust.

use super::sync::{AtomicU64, Ordering};

/// The upper bound of trust, and how much is enough to read ahead after a jump, in pages.
const MOST: u64 = 256;
const ENOUGH: u64 = 128;

/// The part of the pages read ahead that nobody needs to ask for.
const SPARE: u64 = 4;

/// Trust, in pages. Concurrent updates may get lost: it is a guess.
#[derive(Debug, Default)]
pub struct Trust(AtomicU64);

impl Trust {
    fn set(&self, trust: u64) {
        self.0.store(trust.min(MOST), Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// That many pages were read ahead.
    pub fn read(&self, pages: usize) {
        let pages = u64::try_from(pages).unwrap_or(MOST).min(MOST);
        let taken = pages.saturating_sub(pages / SPARE);
        self.set(self.get().saturating_sub(taken));
    }

    /// One of them was asked for.
    #[inline]
    pub fn asked_for(&self) {
        self.set(self.get().saturating_add(1));
    }

    /// Whether there is enough trust to read ahead where no sequential reader was expected.
    pub fn is_enough(&self) -> bool {
        self.get() >= ENOUGH
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn there_is_enough_while_what_is_read_is_asked_for() {
        let trust = Trust::default();
        for round in 0..100 {
            assert_eq!(trust.is_enough(), round > 2, "round {round}");
            trust.read(92);
            for _ in 0..92 {
                trust.asked_for();
            }
        }
        // Trust survives a tenth that nobody asks for.
        for _ in 0..100 {
            trust.read(92);
            for _ in 0..83 {
                trust.asked_for();
            }
            assert!(trust.is_enough());
        }
    }

    #[test]
    fn random_access_uses_trust_up_soon() {
        let trust = Trust(AtomicU64::new(MOST));
        trust.read(92);
        assert!(trust.is_enough());
        trust.read(92);
        trust.asked_for();
        assert!(!trust.is_enough());
        // Half is too little in the long run.
        let trust = Trust(AtomicU64::new(MOST));
        for _ in 0..100 {
            trust.read(92);
            for _ in 0..46 {
                trust.asked_for();
            }
        }
        assert!(!trust.is_enough());
    }
}
