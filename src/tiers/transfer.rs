// SPDX-License-Identifier: GPL-2.0-only

//! Disks' bays, what is claimed of disks, and transfers: those of the engine and the kernel, with disks
//! of ours.

use super::disk::Disk;
use crate::engine::{bay, claims};
use crate::glue::bounce::{Bounce, Bounces};
use crate::glue::platform::Kernel;
use crate::glue::reserves::Reserves;
use crate::glue::way::Load;
use crate::glue::{buffer_transfer, request, transfer};
use kernel::prelude::*;

/// The place of a disk.
pub(crate) type Bay = bay::Bay<Kernel, Disk>;

/// A disk, while its bay is entered.
pub(crate) type Entered<'a> = bay::Entered<'a, Kernel, Disk>;

/// A disk that was taken out of its bay.
pub(crate) type Leaving = bay::Leaving<Kernel, Disk>;

/// Slots that were claimed together.
pub(crate) type Run<'a> = claims::Run<'a, Kernel, Disk>;

/// A physical cluster for pages that keep their offsets.
pub(crate) type NewHome<'a> = claims::NewHome<'a, Kernel, Disk>;

/// Bays that stay entered.
pub(crate) type Stay = claims::Stay<Kernel>;

/// What could not be transferred.
pub(crate) type Failed = request::Failed<Disk>;

/// Pages of a buffer on their way.
pub(crate) type BufferTransfer<W> = buffer_transfer::BufferTransfer<W, Disk>;

/// One or two pages that come from a disk.
pub(crate) type PairTransfer<'a> = buffer_transfer::BufferTransfer<Load, Disk, Bounce<'a>>;

/// Several times a few pages in a row that come from a disk.
pub(crate) type SeveralTransfer<'a> = buffer_transfer::BufferTransfer<Load, Disk, Bounces<'a>>;

/// The memory that transfers are made of. May sleep.
pub(crate) fn reserves() -> Result<Reserves> {
    transfer::reserves::<Disk>()
}
