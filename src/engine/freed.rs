// SPDX-License-Identifier: GPL-2.0-only

//! Slots of a cluster that the swap core has freed, and whose entries are still there.
//!
//! Freeing happens while a process exits, slot by slot and under a lock of the swap core, so
//! it only marks the slot. A later sweep takes the marks, and releases in one go what
//! the entries hold. A store to a slot before the sweep clears its mark, and replaces its
//! old entry like any other.

use super::map::{Bits, SlotMap};
use super::slot::Offset;
#[cfg(loom)]
use super::sync::fence;
use super::sync::{AtomicU32, Ordering};

/// The marks of a cluster, and whether the cluster is noted for a sweep.
///
/// No mark is forgotten: whoever marks a slot then checks whether the cluster is noted, and a
/// sweep clears the note before it takes the marks. So either the sweep finds the mark, or
/// the marker finds no note and notes the cluster again. Both are sequentially consistent, as
/// each side stores before it loads what the other side stores.
#[derive(Debug, Default)]
#[repr(C)]
pub struct FreedSlots {
    noted: AtomicU32,
    marks: SlotMap,
}

impl FreedSlots {
    /// Marks a slot. Says whether the caller must [note](Self::note) the cluster, as it is not noted.
    #[inline]
    pub fn mark(&self, offset: Offset) -> bool {
        self.marks.set(offset);
        // Loom models sequential consistency for fences only.
        #[cfg(loom)]
        fence(Ordering::SeqCst);
        self.noted.load(Ordering::SeqCst) == 0
    }

    /// Notes the cluster, with its lock held. Says whether it was not noted before.
    pub fn note(&self) -> bool {
        let was = self.noted.load(Ordering::Relaxed);
        self.noted.store(1, Ordering::SeqCst);
        was == 0
    }

    /// Clears the note, with the cluster's lock held: before a sweep takes the marks.
    pub fn begin_sweep(&self) {
        self.noted.store(0, Ordering::SeqCst);
        #[cfg(loom)]
        fence(Ordering::SeqCst);
    }

    /// Takes the marks of one part of the cluster's slots, with its lock held.
    pub fn take(&self, part: usize) -> Bits {
        self.marks.take(part)
    }

    /// Clears a slot's mark, if it has one: it is in use again. With the cluster's lock held.
    #[inline]
    pub fn unmark(&self, offset: Offset) {
        // That is rare, and a load is cheaper than a store. Nobody marks a slot meanwhile: the
        // swap core has it pinned.
        if self.marks.test(offset) {
            self.marks.clear(offset);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::super::map::PARTS;
    use super::*;
    use std::vec::Vec;

    fn at(index: usize) -> Offset {
        Offset::new(index).unwrap()
    }

    fn sweep(freed: &FreedSlots) -> Vec<usize> {
        freed.begin_sweep();
        (0..PARTS)
            .flat_map(|part| freed.take(part))
            .map(Offset::index)
            .collect()
    }

    #[test]
    fn marks_are_taken_once_each() {
        let freed = FreedSlots::default();
        for index in [511, 0, 63, 64, 300] {
            freed.mark(at(index));
        }
        assert_eq!(sweep(&freed), [0, 63, 64, 300, 511]);
        assert!(sweep(&freed).is_empty());
    }

    #[test]
    fn a_cluster_is_noted_once_until_it_is_swept() {
        let freed = FreedSlots::default();
        assert!(freed.mark(at(1)));
        assert!(freed.note());
        assert!(!freed.mark(at(2)) && !freed.note());
        assert_eq!(sweep(&freed), [1, 2]);
        assert!(freed.mark(at(1)));
    }

    #[test]
    fn a_slot_in_use_again_is_not_swept() {
        let freed = FreedSlots::default();
        freed.mark(at(7));
        freed.mark(at(8));
        freed.unmark(at(7));
        freed.unmark(at(9));
        assert_eq!(sweep(&freed), [8]);
    }
}
