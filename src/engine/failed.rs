// SPDX-License-Identifier: GPL-2.0-only

//! The parts of a request that could not be written or read.
//!
//! As long as entries refer to pages that were not written, the bays of their disks stay entered: a
//! drain of one of them waits.

use super::entry::{DiskNumber, Place, MAX_DISKS};
use super::platform::{Once, Platform};
use super::slot::PhysicalSlot;
use super::sync::{AtomicBool, AtomicU32, Ordering};

/// Failed extents that are recorded exactly. For any others only the disk is known.
const EXTENTS: usize = 8;

/// Consecutive slots of a disk.
#[derive(Debug)]
pub struct Extent<K> {
    /// Which disk.
    pub number: DiskNumber,
    /// The first slot.
    pub first: PhysicalSlot,
    /// How many there are.
    pub count: u32,
    /// Whether the slots themselves failed, and must not be used again.
    pub is_bad: bool,
    /// What keeps the bay entered.
    pub keep: K,
}

impl<K> Extent<K> {
    /// Whether a page that lies there is one of them.
    fn has(&self, place: Place) -> bool {
        let past = place.slot.number().checked_sub(self.first.number());
        place.disk == self.number && past.is_some_and(|past| past < self.count)
    }
}

/// Whether a disk has failed extents that are not recorded exactly, and what then keeps its bay entered.
struct Beyond<P: Platform, K> {
    is: AtomicBool,
    keep: P::Once<K>,
}

/// The failed extents of a request. Anybody may record one until the request has ended; they are
/// read only after that.
pub struct FailedExtents<P: Platform, K> {
    /// How many failed, including those without a place below.
    count: AtomicU32,
    extents: [P::Once<Extent<K>>; EXTENTS],
    /// Disks with failed extents for which there was no place above.
    beyond: [Beyond<P, K>; MAX_DISKS],
}

impl<P: Platform, K> Default for FailedExtents<P, K> {
    fn default() -> Self {
        Self {
            count: AtomicU32::new(0),
            extents: core::array::from_fn(|_| Once::new()),
            beyond: core::array::from_fn(|_| Beyond {
                is: AtomicBool::new(false),
                keep: Once::new(),
            }),
        }
    }
}

impl<P: Platform, K> FailedExtents<P, K> {
    /// Records an extent as failed. In any context.
    pub fn note(&self, extent: Extent<K>) {
        let place = self.count.fetch_add(1, Ordering::Relaxed);
        let place = usize::try_from(place).ok();
        // Each has a place of its own, while there are some.
        if let Some(place) = place.and_then(|place| self.extents.get(place)) {
            place.fill(extent);
        } else if let Some(beyond) = self.beyond.get(extent.number.index()) {
            if !beyond.is.swap(true, Ordering::Relaxed) {
                beyond.keep.fill(extent.keep);
            }
        }
    }

    /// Whether all pages were transferred, so far.
    pub fn is_none(&self) -> bool {
        self.count.load(Ordering::Relaxed) == 0
    }

    /// Whether an extent of that disk failed.
    pub fn is_of(&self, disk: DiskNumber) -> bool {
        self.is_beyond(disk) || self.extents().any(|extent| extent.number == disk)
    }

    /// Whether that disk has too many failed extents to be recorded exactly.
    fn is_beyond(&self, disk: DiskNumber) -> bool {
        let beyond = self.beyond.get(disk.index());
        beyond.is_some_and(|beyond| beyond.is.load(Ordering::Relaxed))
    }

    fn extents(&self) -> impl Iterator<Item = &Extent<K>> {
        self.extents.iter().filter_map(Once::get)
    }

    /// Whether a page that lies there was not transferred, as far as is known: where too many
    /// extents of a disk failed, it may have been.
    pub fn has(&self, place: Place) -> bool {
        self.is_beyond(place.disk) || self.is_exactly(place)
    }

    /// Whether it is certain that a page that lies there was not transferred.
    pub fn is_exactly(&self, place: Place) -> bool {
        self.extents().any(|extent| extent.has(place))
    }

    /// Whether it is certain that a page that lies there was not transferred, because of its slot.
    pub fn is_bad(&self, place: Place) -> bool {
        self.extents()
            .any(|extent| extent.is_bad && extent.has(place))
    }
}
