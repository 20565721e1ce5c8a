// SPDX-License-Identifier: GPL-2.0-only

//! What is under way to disks or from them when nobody waits for it any more.

use super::disks::Disks;
use super::transfer::{BufferTransfer, SeveralTransfer};
use crate::engine::entry::{DiskNumber, Place};
use crate::engine::segment::Segment;
use crate::glue::cpu::Pinned;
use crate::glue::way::{Load, Store};
use kernel::prelude::*;
use kernel::sync::{new_mutex, Mutex};

/// Pages on their way to a disk or from there, for which nobody waits any more.
pub(crate) enum Left {
    /// To places, and segments, that nobody else may use before that has ended.
    Write(
        BufferTransfer<Store>,
        KVec<Place>,
        KVec<(DiskNumber, Segment)>,
    ),
    /// To a buffer that nobody looks at.
    Read(BufferTransfer<Load>),
    /// As that, of what was read ahead.
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

    /// Frees what it has. Waits if it is not over.
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

/// How much is left at most.
const LEFTOVERS: usize = 64;

/// What nobody waits for any more.
pub(crate) struct Leftovers(Pin<KBox<Mutex<KVec<Left>>>>);

impl Leftovers {
    /// Nothing. May sleep.
    pub(crate) fn new() -> Result<Self> {
        let leftovers = KVec::with_capacity(LEFTOVERS, GFP_KERNEL)?;
        let mutex = new_mutex!(leftovers, "vswap_leftovers");
        Ok(Self(KBox::pin_init(mutex, GFP_KERNEL)?))
    }

    /// Leaves something to be ended later. Without room for it, it is waited for.
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
            segments.retain(|(disk, segment)| {
                let is_over = *disk == number;
                if is_over {
                    disks.end_writing(&Pinned::new(), *disk, *segment);
                }
                !is_over
            });
            places.retain(|place| {
                let is_over = place.disk == number;
                if is_over {
                    disks.release(&Pinned::new(), *place, &[]);
                }
                !is_over
            });
        }
    }

    /// Ends what is over, or all. Says whether something is left.
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
