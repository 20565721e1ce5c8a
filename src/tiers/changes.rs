// SPDX-License-Identifier: GPL-2.0-only

//! What is noted of disks that come and go.

use super::disk::Disk;
use super::transfer::Leaving;
use crate::engine::bay::Grace;
use crate::engine::entry::{DiskNumber, MAX_DISKS};
use crate::glue::first_page::FirstPage;
use kernel::prelude::*;
use kernel::sync::{new_mutex, Mutex};

/// What comes and goes, by bay. The mutex is not held across I/O, nor taken on the swap path.
pub(super) struct Changes(pub(super) Pin<KBox<Mutex<KVec<Change>>>>);

/// What comes or goes of a bay.
#[derive(Default)]
pub(super) struct Change {
    /// It is about to have a disk, or had one that is going, and which device that is.
    pub(super) reserved: Option<u32>,
    /// A disk that goes, and whose readers nobody waits for.
    pub(super) leaving: Option<Leaving>,
    /// For a disk that takes pages again when those who read what was moved away have left.
    pub(super) returning: Option<Grace>,
    /// A first page under way that nobody waits for, and the disk, which is held until then.
    pub(super) first_page: Option<(FirstPage, KBox<Disk>)>,
}

impl Changes {
    /// Nothing. May sleep.
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

    /// Changes what is noted of a bay.
    pub(super) fn note(&self, number: DiskNumber, change: impl FnOnce(&mut Change)) {
        if let Some(noted) = self.0.lock().get_mut(number.index()) {
            change(noted);
        }
    }
}
