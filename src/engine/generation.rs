// SPDX-License-Identifier: GPL-2.0-only

//! Ages of the ram tier's pages, in generations.
//!
//! A page gets the newest generation when it is stored, as a label in its entry, and keeps it. The
//! writer takes pages of the oldest generation until none is left, and begins a new one each time
//! it has written back a share of what is in the tier. So a store only reads the current one, and a
//! generation spans what is written back in that time, however long that is.
//!
//! Eight labels keep nearly all of the order: `bench/victims` compares them with
//! a list of all pages. MGLRU (`mm/vmscan.c`) keeps ages this way, with two to four generations.

use super::sync::guarded::AtomicU32;
use super::sync::Ordering;

/// The most generations at a time: labels of 3 bits.
pub const GENERATIONS: usize = 1 << Generation::BITS;

/// The label of a generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generation(u8);

impl Generation {
    /// Bits of a label.
    pub const BITS: u32 = 3;

    /// The label of the generation with that number; those of [`GENERATIONS`] consecutive ones differ.
    #[allow(clippy::cast_possible_truncation, reason = "the mask leaves 3 bits")]
    pub const fn of(number: u32) -> Self {
        // Lossless: masked.
        Self((number & ((1 << Self::BITS) - 1)) as u8)
    }

    /// The label, as an index below [`GENERATIONS`].
    pub const fn index(self) -> usize {
        // Lossless: a widening that `From` can't do in a const fn. The mask spares a check.
        (self.0 as usize) & (GENERATIONS - 1)
    }

    /// The label, as bits.
    pub const fn to_bits(self) -> u64 {
        // Lossless: as above.
        self.0 as u64
    }
}

/// The existing generations: at least two; stores give their pages the newest.
///
/// Changes are made one at a time, under a lock of the caller.
#[derive(Debug)]
pub struct Generations {
    /// The number of the oldest one.
    oldest: AtomicU32,
    /// The number of the newest one: 1 to 7 above.
    newest: AtomicU32,
}

impl Default for Generations {
    fn default() -> Self {
        Self {
            oldest: AtomicU32::new(0),
            newest: AtomicU32::new(1),
        }
    }
}

impl Generations {
    /// That of a page which is stored now.
    #[inline]
    pub fn newest(&self) -> Generation {
        Generation::of(self.newest.load(Ordering::Relaxed))
    }

    /// That of an incompressible page which is stored now: the one before the newest. It takes as
    /// much memory as several others, so it is written back before those of its age.
    #[inline]
    pub fn newest_raw(&self) -> Generation {
        Generation::of(self.newest.load(Ordering::Relaxed).wrapping_sub(1))
    }

    /// The one whose pages are written back next.
    pub fn oldest(&self) -> Generation {
        Generation::of(self.oldest.load(Ordering::Relaxed))
    }

    /// All labels, from that of the oldest generation on; the last ones may be unused.
    pub fn by_age(&self) -> impl Iterator<Item = Generation> {
        let oldest = self.oldest.load(Ordering::Relaxed);
        (0..GENERATIONS).map(move |age| {
            let age = u32::try_from(age).unwrap_or(0);
            Generation::of(oldest.wrapping_add(age))
        })
    }

    fn count(&self) -> u32 {
        let newest = self.newest.load(Ordering::Relaxed);
        newest.wrapping_sub(self.oldest.load(Ordering::Relaxed))
    }

    /// Begins a new generation. Says whether there was a label for it.
    pub fn begin(&self) -> bool {
        let newest = self.newest.load(Ordering::Relaxed);
        let has_label = (self.count() as usize) < GENERATIONS - 1;
        if has_label {
            self.newest.store(newest.wrapping_add(1), Ordering::Relaxed);
        }
        has_label
    }

    /// The oldest generation has no pages any more: the next one becomes the oldest.
    pub fn end_oldest(&self) {
        if self.count() == 1 {
            self.begin();
        }
        let oldest = self.oldest.load(Ordering::Relaxed);
        self.oldest.store(oldest.wrapping_add(1), Ordering::Relaxed);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    proptest! {
        #[test]
        fn there_are_two_to_eight(steps in prop::collection::vec(any::<bool>(), 0..100)) {
            let generations = Generations::default();
            for begins in steps {
                let before = generations.count();
                if begins {
                    prop_assert_eq!(generations.begin(), before < 7);
                } else {
                    generations.end_oldest();
                }
                prop_assert!((1..=7).contains(&generations.count()));
                prop_assert_ne!(generations.newest(), generations.oldest());
                let labels: Vec<_> = generations.by_age().collect();
                prop_assert_eq!(labels[0], generations.oldest());
                let newest = generations.count() as usize;
                prop_assert_eq!(labels[newest], generations.newest());
                prop_assert_eq!(labels[newest - 1], generations.newest_raw());
            }
        }
    }

    #[test]
    fn labels_go_round() {
        let generations = Generations::default();
        assert_eq!(generations.newest().index(), 1);
        for _ in 0..GENERATIONS {
            generations.end_oldest();
        }
        assert_eq!(generations.newest().index(), 1);
        assert_eq!(generations.oldest().index(), 0);
    }
}
