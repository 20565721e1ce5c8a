// SPDX-License-Identifier: GPL-2.0-only

//! Notes about disks that are being added or removed.

use super::disk::Disk;
use super::transfer::Leaving;
use crate::engine::bay::Grace;
use crate::engine::entry::{DiskNumber, MAX_DISKS};
use crate::glue::lone_bio::LoneBio;
use kernel::prelude::*;
use kernel::sync::{new_mutex, Mutex};

/// The notes, by bay. The mutex is not held across I/O and never taken on the swap path.
pub(super) struct Changes(pub(super) Pin<KBox<Mutex<KVec<Change>>>>);

/// The notes about one bay.
#[derive(Default)]
pub(super) struct Change {
    /// The device number of a disk that is being added to this bay, or that is being closed.
    pub(super) reserved: Option<u32>,
    /// A disk that was taken out of the bay, if its remover no longer waits for the readers.
    pub(super) leaving: Option<Leaving>,
    /// For a disk that takes pages again when the readers of what was moved away have left.
    pub(super) returning: Option<Grace>,
    /// The write of a first page that nobody waits for, and the disk, which is kept until the write has
    /// ended.
    pub(super) first_page: Option<(LoneBio, KBox<Disk>)>,
}

impl Changes {
    /// Empty notes. May sleep.
    pub(super) fn new() -> Result<Self> {
        let mut all = KVec::with_capacity(MAX_DISKS, GFP_KERNEL)?;
        for _ in 0..MAX_DISKS {
            let _ = all.push_within_capacity(Change::default());
        }
        Ok(Self(KBox::pin_init(
            new_mutex!(all, "vswap_disks"),
            GFP_KERNEL,
        )?))
    }

    /// Looks at the notes about a bay, or changes them. `None`: there is no such bay.
    pub(super) fn note<R>(
        &self,
        number: DiskNumber,
        change: impl FnOnce(&mut Change) -> R,
    ) -> Option<R> {
        self.0.lock().get_mut(number.index()).map(change)
    }
}
