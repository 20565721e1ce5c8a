// SPDX-License-Identifier: GPL-2.0-only

//! Whether pages that are read ahead are asked for, of late.
//!
//! Memory that is swapped out in order does not lie quite in order: who reads it in order jumps now and
//! then. While nearly all that is read ahead is asked for, one who jumps reads on at the new place at once;
//! who reads here and there does not, as what is read ahead for him costs all trust.

use super::sync::{AtomicU64, Ordering};

/// The most trust there is, in pages, and as much as is enough.
const MOST: u64 = 256;
const ENOUGH: u64 = 128;

/// What a page that is read ahead takes away, in parts of what one that is asked for gives back.
const TAKES: (u64, u64) = (3, 4);

/// Trust, in pages. The counts of those who count at the same time may get lost: it is a guess.
#[derive(Debug, Default)]
pub struct Trust(AtomicU64);

impl Trust {
    fn set(&self, trust: u64) {
        self.0.store(trust.min(MOST), Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// So many pages were read ahead.
    pub fn read(&self, pages: usize) {
        let (part, of) = TAKES;
        let pages = u64::try_from(pages).unwrap_or(MOST).min(MOST);
        self.set(self.get().saturating_sub(pages.saturating_mul(part) / of));
    }

    /// One of them was asked for.
    #[inline]
    pub fn asked_for(&self) {
        self.set(self.get().saturating_add(1));
    }

    /// Whether there is enough to read ahead where nobody has read in order yet.
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
            assert_eq!(trust.is_enough(), round > 5, "round {round}");
            trust.read(92);
            for _ in 0..92 {
                trust.asked_for();
            }
        }
        // A tenth that nobody asks for is no reason against it.
        for _ in 0..100 {
            trust.read(92);
            for _ in 0..83 {
                trust.asked_for();
            }
            assert!(trust.is_enough());
        }
    }

    #[test]
    fn who_reads_here_and_there_loses_it_soon() {
        let trust = Trust(AtomicU64::new(MOST));
        trust.read(92);
        assert!(trust.is_enough());
        trust.read(92);
        trust.asked_for();
        assert!(!trust.is_enough());
        // Half of it is too little, however long that goes on.
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
