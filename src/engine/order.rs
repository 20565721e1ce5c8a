// SPDX-License-Identifier: GPL-2.0-only

//! The order in which disks are filled.

use super::entry::{DiskNumber, MAX_DISKS};
use super::sync::{AtomicU32, AtomicU64, Ordering};

const BITS: u32 = 8;
const NUMBER_MASK: u64 = 0xf;
const LAST_FLAG: u64 = 1 << (BITS - 1);

/// How many consecutive slots of a disk are allocated before it is the turn of another one of
/// the same priority: 512 KiB. Each disk continues where it left off, so that its writes are
/// sequential.
pub const TURN_SLOTS: u32 = 128;

/// Disks, those of the highest priority first. Those of equal priority take turns; without a turn
/// they are in the order of their numbers.
///
/// One word of a byte a disk, so that it is read atomically; 0 ends it:
///
/// ```text
///   7: the last one of its priority | 6..4: 0 | 3..0: its number and one more
/// ```
#[derive(Debug, Default)]
pub struct Order(AtomicU64);

const _: () = assert!(MAX_DISKS * (BITS as usize) <= u64::BITS as usize);
const _: () = assert!(MAX_DISKS as u64 <= NUMBER_MASK);

/// The disks of one priority, as in an [`Order`].
#[derive(Clone, Copy, Debug)]
pub struct Equals(u64);

impl Equals {
    /// The disks: the one whose turn it is, and those that come after it.
    #[inline]
    pub fn disks(self) -> impl Iterator<Item = DiskNumber> {
        disks(self.0)
    }

    /// The same ones, with the first `turn` of them moved to the end.
    fn turned(self, count: u32, turn: u32) -> Self {
        let by = turn.checked_rem(count).unwrap_or(0).wrapping_mul(BITS);
        let others = count.wrapping_mul(BITS).wrapping_sub(by);
        // A shift by all bits happens for a single disk, which stays.
        let last = self.0.checked_shl(others).unwrap_or(0);
        let mask = 1u64
            .checked_shl(count.wrapping_mul(BITS))
            .map_or(u64::MAX, |end| end.wrapping_sub(1));
        Self((self.0.checked_shr(by).unwrap_or(0) | last) & mask)
    }
}

#[inline]
fn disks(mut word: u64) -> impl Iterator<Item = DiskNumber> {
    core::iter::from_fn(move || {
        let number = usize::try_from((word & NUMBER_MASK).checked_sub(1)?).ok()?;
        word >>= BITS;
        DiskNumber::new(number)
    })
}

impl Order {
    /// Whether there is no disk.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }

    /// The disks in their order.
    #[inline]
    pub fn disks(&self) -> impl Iterator<Item = DiskNumber> {
        disks(self.0.load(Ordering::Acquire))
    }

    /// The disks by priority, the highest first, with those of each in the order of that turn.
    #[inline]
    pub fn levels(&self, turn: u32) -> impl Iterator<Item = Equals> {
        let mut word = self.0.load(Ordering::Acquire);
        core::iter::from_fn(move || {
            if word == 0 {
                return None;
            }
            // Up to the flag of the last one, which is in the highest bit of its byte.
            let flags = word & (u64::MAX / 0xff * LAST_FLAG);
            let bits = flags.trailing_zeros().wrapping_add(1);
            let next = word.checked_shr(bits).unwrap_or(0);
            let level = word ^ next.checked_shl(bits).unwrap_or(0);
            word = next;
            Some(Equals(level).turned(bits / BITS, turn))
        })
    }

    /// Sets a new order: of the disks that have a `priority`. One caller at a time.
    pub fn set(&self, priority: impl Fn(DiskNumber) -> Option<i32>) {
        let disks = || (0..MAX_DISKS).filter_map(DiskNumber::new);
        let mut word = 0;
        let mut after = None;
        let mut taken = [false; MAX_DISKS];
        // The last one first: each comes before those that are in the word already.
        for _ in disks() {
            let left = disks().filter(|disk| taken.get(disk.index()) == Some(&false));
            let last = left
                .filter_map(|disk| Some((priority(disk)?, disk)))
                .reduce(|last, next| if next.0 <= last.0 { next } else { last });
            let Some((priority, disk)) = last else {
                break;
            };
            if let Some(taken) = taken.get_mut(disk.index()) {
                *taken = true;
            }
            let number = u64::try_from(disk.index()).unwrap_or(0);
            let flag = if after == Some(priority) {
                0
            } else {
                LAST_FLAG
            };
            after = Some(priority);
            word = (word << BITS) | flag | number.wrapping_add(1);
        }
        self.0.store(word, Ordering::Release);
    }
}

/// Whose turn it is among disks of equal priority, for one CPU or for movers.
///
/// It is a hint: with concurrent users, a turn may be shorter or longer.
///
/// ```text
///   31..8: turn | 7..0: slots that were allocated in it
/// ```
#[derive(Debug, Default)]
pub struct Turn(AtomicU32);

const TURN_SHIFT: u32 = 8;
const TAKEN_MASK: u32 = (1 << TURN_SHIFT) - 1;

const _: () = assert!(TURN_SLOTS <= TAKEN_MASK);

impl Turn {
    /// The turn, for [`Order::levels`].
    #[inline]
    pub fn number(&self) -> u32 {
        self.0.load(Ordering::Relaxed) >> TURN_SHIFT
    }

    /// Slots were allocated. When they are enough, it is the next disk's turn.
    #[inline]
    pub fn took(&self, slots: usize) {
        let word = self.0.load(Ordering::Relaxed);
        let slots = u32::try_from(slots).unwrap_or(TURN_SLOTS);
        let taken = (word & TAKEN_MASK).saturating_add(slots);
        let next = if taken < TURN_SLOTS {
            (word & !TAKEN_MASK) | taken
        } else {
            (word & !TAKEN_MASK).wrapping_add(1 << TURN_SHIFT)
        };
        self.0.store(next, Ordering::Relaxed);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    fn numbers(disks: impl Iterator<Item = DiskNumber>) -> Vec<usize> {
        disks.map(DiskNumber::index).collect()
    }

    proptest! {
        /// Each turn has all disks of each priority, starting with another one.
        #[test]
        fn equal_ones_take_turns(
            priorities in prop::collection::vec(prop::option::of(-2..2i32), MAX_DISKS),
            turn: u32,
        ) {
            let order = Order::default();
            order.set(|disk| priorities[disk.index()]);
            let mut left: Vec<_> = (-2..2i32).rev().map(|priority| {
                let at = |disk: &usize| priorities[*disk] == Some(priority);
                (0..MAX_DISKS).filter(at).collect::<Vec<_>>()
            }).filter(|disks| !disks.is_empty()).collect();
            prop_assert_eq!(numbers(order.disks()), left.concat());
            for disks in &mut left {
                let by = turn as usize % disks.len();
                disks.rotate_left(by);
            }
            let levels: Vec<_> = order.levels(turn).map(|level| numbers(level.disks())).collect();
            prop_assert_eq!(levels, left);
        }

        /// Disks of equal priority get equal shares, whatever the sizes of allocations.
        #[test]
        fn turns_are_of_equal_length(wants in prop::collection::vec(1usize..=512, 1..50), count in 2..=MAX_DISKS) {
            for want in wants {
                let turn = Turn::default();
                let mut slots = [0; MAX_DISKS];
                for _ in 0..count * 2 * TURN_SLOTS as usize {
                    slots[turn.number() as usize % count] += want;
                    turn.took(want);
                }
                let (least, most) = (slots[..count].iter().min(), slots[..count].iter().max());
                let turn = want.max(2 * TURN_SLOTS as usize);
                prop_assert!(most.unwrap() - least.unwrap() <= turn, "{slots:?}");
            }
        }
    }

    #[test]
    fn higher_priorities_and_lower_numbers_come_first() {
        let order = Order::default();
        assert!(order.is_empty());
        let priorities = [
            Some(0),
            None,
            Some(5),
            Some(-3),
            Some(5),
            None,
            Some(i32::MAX),
            Some(i32::MIN),
        ];
        order.set(|disk| priorities[disk.index()]);
        let disks: Vec<_> = order.disks().map(DiskNumber::index).collect();
        assert_eq!(disks, [6, 2, 4, 0, 3, 7]);
        order.set(|_| None);
        assert!(order.is_empty() && order.disks().next().is_none());
    }
}
