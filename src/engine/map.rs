// SPDX-License-Identifier: GPL-2.0-only

//! Which slots of a cluster are in use: a bit each.

use super::slot::{Offset, SLOTS_PER_CLUSTER, USED};
use super::sync::{AtomicU64, Ordering};

const WORD_BITS: usize = 64;

/// Bits in a part of a map, which are taken at once: few enough that the caller can keep what they
/// stand for on the stack.
pub const PART_BITS: usize = WORD_BITS / 2;

/// Parts of a map.
pub const PARTS: usize = USED.div_ceil(PART_BITS);
const WORDS: usize = SLOTS_PER_CLUSTER / WORD_BITS;

/// A bit for each slot of a cluster, set when the slot is in use. Zeroed memory is a map of
/// a cluster with no slot in use.
///
/// Anybody may change bits at any time. A claimed bit was clear, and nobody else claims
/// it before it is cleared; what its last owner did before clearing it is visible to the next.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct SlotMap([AtomicU64; WORDS]);

/// A map at some moment, word by word: bits may have changed between the words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Snapshot([u64; WORDS]);

/// The positions of the set bits of one word of a map, ascending.
#[derive(Clone, Debug)]
pub struct Bits {
    left: u64,
    first: usize,
}

#[cfg(not(loom))]
const _: () = assert!(size_of::<SlotMap>() == 64);

/// The word that holds a position's bit, and which bit of it.
#[allow(clippy::cast_possible_truncation, reason = "the mask leaves 6 bits")]
const fn place(index: usize) -> (usize, u32) {
    (index / WORD_BITS, (index & (WORD_BITS - 1)) as u32)
}

/// The bits below `bit`, which is up to 64.
fn below(bit: usize) -> u64 {
    u32::try_from(bit)
        .ok()
        .and_then(|bit| 1u64.checked_shl(bit))
        .map_or(u64::MAX, |bit| bit.wrapping_sub(1))
}

/// The bits of word `index` that stand for the positions from `from` up to but not including `end`.
fn part(index: usize, from: usize, end: usize) -> u64 {
    let start = index.saturating_mul(WORD_BITS);
    below(end.saturating_sub(start)) & !below(from.saturating_sub(start))
}

/// The lowest run of ones, or its first `most`.
fn lowest_run(word: u64, most: usize) -> u64 {
    let start = word.trailing_zeros();
    let length = word.checked_shr(start).unwrap_or(0).trailing_ones() as usize;
    below(length.min(most)).checked_shl(start).unwrap_or(0)
}

/// Sets the bits that `pick` picks among the clear ones of the word, and returns them. `pick` is
/// called again with the new word when another thread changed the word meanwhile.
fn claim_picked(word: &AtomicU64, pick: impl Fn(u64) -> u64) -> u64 {
    let claim = |seen| match pick(seen) {
        0 => None,
        bits => Some(seen | bits),
    };
    word.fetch_update(Ordering::AcqRel, Ordering::Relaxed, claim)
        .map_or(0, pick)
}

#[allow(
    clippy::indexing_slicing,
    reason = "an offset is below the number of bits"
)]
impl SlotMap {
    fn bit(&self, offset: Offset) -> (&AtomicU64, u64) {
        let (word, bit) = place(offset.index());
        (&self.0[word], 1u64.wrapping_shl(bit))
    }

    /// Whether the bit is set.
    #[inline]
    pub fn test(&self, offset: Offset) -> bool {
        let (word, bit) = self.bit(offset);
        word.load(Ordering::Acquire) & bit != 0
    }

    /// Sets the bit and says whether it was set before.
    #[inline]
    pub fn set(&self, offset: Offset) -> bool {
        let (word, bit) = self.bit(offset);
        word.fetch_or(bit, Ordering::SeqCst) & bit != 0
    }

    /// Clears the bit and says whether it was set before.
    #[inline]
    pub fn clear(&self, offset: Offset) -> bool {
        let (word, bit) = self.bit(offset);
        word.fetch_and(!bit, Ordering::AcqRel) & bit != 0
    }

    /// The words with their indices. A range counts without a check that could panic.
    fn words(&self) -> impl Iterator<Item = (usize, &AtomicU64)> {
        (0..WORDS).zip(&self.0)
    }

    /// Clears all bits, of a map that nobody else changes.
    pub fn clear_all(&self) {
        for word in &self.0 {
            word.store(0, Ordering::Relaxed);
        }
    }

    /// Clears the bits of part `index`, of [`PARTS`], and returns those that were set.
    pub fn take(&self, index: usize) -> Bits {
        let first = index.saturating_mul(PART_BITS);
        let word = first / WORD_BITS;
        let mask = part(word, first, first.saturating_add(PART_BITS));
        let taken = self.0.get(word).map_or(0, |word| {
            // Mostly there are none, and a load is cheaper.
            match word.load(Ordering::SeqCst) & mask {
                0 => 0,
                _ => word.fetch_and(!mask, Ordering::SeqCst) & mask,
            }
        });
        Bits::new(word, taken)
    }

    /// Clears those bits, and returns those of them that were set.
    pub fn clear_bits(&self, bits: &Bits) -> Bits {
        let index = bits.word();
        let cleared = self.0.get(index).map_or(0, |word| {
            word.fetch_and(!bits.left, Ordering::AcqRel) & bits.left
        });
        Bits::new(index, cleared)
    }

    /// Claims the first clear bit at or after `from` and those that follow it without a gap,
    /// `want` of them at most. Returns the first one's position and their number, which is at least 1,
    /// or `None` when all bits from there on are set.
    pub fn claim_run(&self, from: Offset, want: usize) -> Option<(Offset, usize)> {
        let mut start = 0usize;
        let mut count = 0usize;
        let first = from.index() / WORD_BITS;
        for (index, word) in self.words().filter(|(index, _)| *index >= first) {
            let left = want.saturating_sub(count);
            let allowed = part(index, from.index(), SLOTS_PER_CLUSTER);
            let bits = claim_picked(word, |seen| {
                let run = lowest_run(!seen & allowed, left);
                // A run continues only at the next word's lowest bit.
                if count == 0 || run & 1 == 1 {
                    run
                } else {
                    0
                }
            });
            if count == 0 {
                let first = bits.trailing_zeros() as usize;
                start = index.saturating_mul(WORD_BITS).saturating_add(first);
            }
            count = count.saturating_add(bits.count_ones() as usize);
            let goes_on = bits.leading_zeros() == 0;
            if count >= want || (count > 0 && !goes_on) {
                break;
            }
        }
        let start = Offset::new(start)?;
        (count > 0).then_some((start, count))
    }

    /// Claims the `count` bits from `from` on, or none when one of them is set or past the end.
    ///
    /// If one turns out to be set, those claimed before it are cleared again; others may have skipped
    /// them meanwhile.
    pub fn claim_exact(&self, from: Offset, count: usize) -> bool {
        if count == 1 {
            let (word, bit) = self.bit(from);
            return word.load(Ordering::Relaxed) & bit == 0
                && word.fetch_or(bit, Ordering::AcqRel) & bit == 0;
        }
        let from = from.index();
        let end = from.saturating_add(count);
        if count == 0 || end > SLOTS_PER_CLUSTER {
            return false;
        }
        let parts = || {
            self.words()
                .map(|(index, word)| (word, part(index, from, end)))
        };
        for (tried, (word, bits)) in (0..WORDS).zip(parts()) {
            let pick = |seen| if seen & bits == 0 { bits } else { 0 };
            if bits == 0 || claim_picked(word, pick) != 0 {
                continue;
            }
            for (word, bits) in parts().take(tried).filter(|(_, bits)| *bits != 0) {
                word.fetch_and(!bits, Ordering::AcqRel);
            }
            return false;
        }
        true
    }

    /// Claims the first `count` consecutive clear bits at or after `from`, and returns their position,
    /// or `None` if there is no such run.
    pub fn claim_whole_run(&self, from: Offset, count: usize) -> Option<Offset> {
        loop {
            let start = self.snapshot().clear_run(from, count)?;
            // Fails only when another thread was faster.
            if self.claim_exact(start, count) {
                return Some(start);
            }
        }
    }

    /// How many bits are set.
    pub fn count(&self) -> usize {
        self.snapshot().count()
    }

    /// The map's current state.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(core::array::from_fn(|index| {
            self.0[index].load(Ordering::Acquire)
        }))
    }
}

impl Snapshot {
    /// How many bits are set.
    pub fn count(&self) -> usize {
        self.0.iter().fold(0usize, |sum, word| {
            sum.saturating_add(word.count_ones() as usize)
        })
    }

    /// The position of the first `count` consecutive clear bits at or after `from`.
    pub fn clear_run(&self, from: Offset, count: usize) -> Option<Offset> {
        if count == 0 {
            return None;
        }
        let mut start = from.index();
        let mut at = start;
        while at.saturating_sub(start) < count {
            let (word, bit) = place(at);
            let word = self.0.get(word)?.wrapping_shr(bit);
            let rest = WORD_BITS.saturating_sub(bit as usize);
            let clear = (word.trailing_zeros() as usize).min(rest);
            at = at.saturating_add(clear);
            if clear == 0 {
                at = at.saturating_add(word.trailing_ones() as usize);
                start = at;
            }
        }
        Offset::new(start)
    }
}

impl Bits {
    fn new(index: usize, left: u64) -> Self {
        Self {
            left,
            first: index.saturating_mul(WORD_BITS),
        }
    }

    /// The bits of `count` positions from `from` on, as far as they are in one word of a map.
    pub fn run(from: Offset, count: usize) -> Self {
        let (word, _) = place(from.index());
        let end = from.index().saturating_add(count);
        Self::new(word, part(word, from.index(), end))
    }

    /// The word's index in its map.
    pub const fn word(&self) -> usize {
        self.first / WORD_BITS
    }

    /// Whether no bit is left.
    pub const fn is_empty(&self) -> bool {
        self.left == 0
    }

    /// How many bits are left.
    pub const fn len(&self) -> usize {
        // Lossless: a widening that `From` can't do in a const fn.
        self.left.count_ones() as usize
    }
}

impl Iterator for Bits {
    type Item = Offset;

    #[inline]
    fn next(&mut self) -> Option<Offset> {
        if self.left == 0 {
            return None;
        }
        let bit = self.left.trailing_zeros() as usize;
        self.left &= self.left.wrapping_sub(1);
        Offset::new(self.first.saturating_add(bit))
    }
}

#[cfg(all(test, not(loom)))]
#[path = "map_tests.rs"]
mod tests;
