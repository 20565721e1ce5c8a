// SPDX-License-Identifier: GPL-2.0-only

//! Transfers that are under way when nobody waits for them any more.

use super::disks::Disks;
use super::transfer::{BufferTransfer, SeveralTransfer};
use crate::engine::entry::{DiskNumber, Place};
use crate::engine::segment::Segment;
use crate::glue::cpu::Pinned;
use crate::glue::way::{Load, Store};
use kernel::prelude::*;
use kernel::sync::{new_mutex, Mutex};

/// A transfer that nobody waits for any more.
pub(crate) enum Left {
    /// A write. Its places and segments stay claimed until it has ended.
    Write(
        BufferTransfer<Store>,
        KVec<Place>,
        KVec<(DiskNumber, Segment)>,
    ),
    /// A read into a buffer that nobody looks at.
    Read(BufferTransfer<Load>),
    /// The same, of pages that were read ahead.
    Ahead(SeveralTransfer<'static>),
}

impl Left {
    fn is_over(&self) -> bool {
        match self {
            Self::Write(transfer, ..) => transfer.is_done(),
            Self::Read(transfer) => transfer.is_done(),
            Self::Ahead(transfer) => transfer.is_done(),
        }
    }

    /// Ends the transfer and frees what it has. Waits if it is under way.
    fn end(self, disks: &Disks) {
        match self {
            Self::Read(transfer) => drop(transfer),
            Self::Ahead(transfer) => drop(transfer),
            Self::Write(transfer, places, segments) => {
                let (_, failed) = transfer.wait();
                for (disk, segment) in segments {
                    disks.end_writing(&Pinned::new(), disk, segment);
                }
                for place in places {
                    disks.release(&Pinned::new(), place, &[&failed]);
                }
            }
        }
    }
}

/// The most transfers that can be left.
const LEFTOVERS: usize = 64;

/// The transfers that nobody waits for any more.
pub(crate) struct Leftovers(Pin<KBox<Mutex<KVec<Left>>>>);

impl Leftovers {
    /// No transfers. May sleep.
    pub(crate) fn new() -> Result<Self> {
        let leftovers = KVec::with_capacity(LEFTOVERS, GFP_KERNEL)?;
        let mutex = new_mutex!(leftovers, "vswap_leftovers");
        Ok(Self(KBox::pin_init(mutex, GFP_KERNEL)?))
    }

    /// Leaves a transfer to be ended later. Waits for it if there is no room.
    pub(crate) fn leave(&self, disks: &Disks, left: Left) {
        let refused = self.0.lock().push_within_capacity(left).err();
        match refused {
            None => disks.bell().ring(),
            Some(refused) => refused.0.end(disks),
        }
    }

    /// Gives back the places and segments of a disk that has answered all that was sent to it, while
    /// what was sent together with that is still under way to others.
    pub(crate) fn answered(&self, disks: &Disks, number: DiskNumber) {
        for left in self.0.lock().iter_mut() {
            let Left::Write(_, places, segments) = left else {
                continue;
            };
            each_taken(
                segments,
                |(disk, _)| *disk == number,
                |(disk, segment)| disks.end_writing(&Pinned::new(), disk, segment),
            );
            each_taken(
                places,
                |place| place.disk == number,
                |place| disks.release(&Pinned::new(), place, &[]),
            );
        }
    }

    /// Ends the transfers that are done, or all. Returns whether some are left.
    pub(crate) fn tidy(&self, disks: &Disks, all: bool) -> bool {
        let mut leftovers = self.0.lock();
        let mut index = 0;
        while let Some(left) = leftovers.get(index) {
            if all || left.is_over() {
                if let Ok(left) = leftovers.remove(index) {
                    left.end(disks);
                }
            } else {
                index = index.saturating_add(1);
            }
        }
        !leftovers.is_empty()
    }
}

/// Takes out what `is_it` says, and passes it to `each`.
fn each_taken<T: Copy>(all: &mut KVec<T>, is_it: impl Fn(&T) -> bool, mut each: impl FnMut(T)) {
    let mut index = 0usize;
    while let Some(one) = all.get(index).copied() {
        if is_it(&one) {
            let _ = all.remove(index);
            each(one);
        } else {
            index = index.saturating_add(1);
        }
    }
}
