// SPDX-License-Identifier: GPL-2.0-only

//! Transfers to disks and from them, and their bays: the kernel's, with disks of ours.

use super::disk::Disk;
use crate::glue::reserves::Reserves;
use crate::glue::{bay, buffer_transfer, request, transfer};
use kernel::prelude::*;

/// The place of a disk.
pub(crate) type Bay = bay::Bay<Disk>;

/// A disk, while its bay is entered.
pub(crate) type Entered<'a> = bay::Entered<'a, Disk>;

/// A disk that was taken out of its bay.
pub(crate) type Leaving = bay::Leaving<Disk>;

/// What could not be transferred.
pub(crate) type Failed = request::Failed<Disk>;

/// Pages of a buffer on their way.
pub(crate) type BufferTransfer<W> = buffer_transfer::BufferTransfer<W, Disk>;

/// The memory that transfers are made of. May sleep.
pub(crate) fn reserves() -> Result<Reserves> {
    transfer::reserves::<Disk>()
}
