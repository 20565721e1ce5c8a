// SPDX-License-Identifier: GPL-2.0-only

//! The order in which disks are filled.

use super::entry::{DiskNumber, MAX_DISKS};
use super::sync::{AtomicU64, Ordering};

const BITS: u32 = 8;
const MASK: u64 = (1 << BITS) - 1;

/// Disks, those of the highest priority first; of equal ones, the lower number.
///
/// One word of a byte a disk, its number and one more, so that it is read in one piece; 0 ends
/// it.
#[derive(Debug, Default)]
pub struct Order(AtomicU64);

const _: () = assert!(MAX_DISKS * (BITS as usize) <= u64::BITS as usize);

impl Order {
    /// Whether there is no disk.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }

    /// The disks in their order.
    #[inline]
    pub fn disks(&self) -> impl Iterator<Item = DiskNumber> {
        let mut word = self.0.load(Ordering::Acquire);
        core::iter::from_fn(move || {
            let number = usize::try_from((word & MASK).checked_sub(1)?).ok()?;
            word >>= BITS;
            DiskNumber::new(number)
        })
    }

    /// Sets the order anew: of the disks that have a `priority`. One caller at a time.
    pub fn set(&self, priority: impl Fn(DiskNumber) -> Option<i32>) {
        let disks = || (0..MAX_DISKS).filter_map(DiskNumber::new);
        let mut word = 0;
        let mut taken = [false; MAX_DISKS];
        // The last one first: each comes before those that are in the word already.
        for _ in disks() {
            let left = disks().filter(|disk| taken.get(disk.index()) == Some(&false));
            let last = left
                .filter_map(|disk| Some((priority(disk)?, disk)))
                .reduce(|last, next| if next.0 <= last.0 { next } else { last });
            let Some((_, disk)) = last else {
                break;
            };
            if let Some(taken) = taken.get_mut(disk.index()) {
                *taken = true;
            }
            let number = u64::try_from(disk.index()).unwrap_or(0);
            word = (word << BITS) | number.wrapping_add(1);
        }
        self.0.store(word, Ordering::Release);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::vec::Vec;

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
