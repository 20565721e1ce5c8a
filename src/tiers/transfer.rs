// SPDX-License-Identifier: GPL-2.0-only

//! Bays, claims and transfers of the engine and of glue, with vswap's disks.

use super::disk::Disk;
use crate::engine::{bay, claims};
use crate::glue::bounce::{Bounce, Bounces};
use crate::glue::platform::Kernel;
use crate::glue::reserves::Reserves;
use crate::glue::way::Load;
use crate::glue::{buffer_transfer, request, transfer};
use kernel::prelude::*;

/// The bay of a disk.
pub(crate) type Bay = bay::Bay<Kernel, Disk>;

/// A disk whose bay is entered.
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

/// The transfer of pages of a buffer.
pub(crate) type BufferTransfer<W> = buffer_transfer::BufferTransfer<W, Disk>;

/// The read of one or two pages.
pub(crate) type PairTransfer<'a> = buffer_transfer::BufferTransfer<Load, Disk, Bounce<'a>>;

/// The read of several runs of a few pages.
pub(crate) type SeveralTransfer<'a> = buffer_transfer::BufferTransfer<Load, Disk, Bounces<'a>>;

/// Reserved memory for transfers. May sleep.
pub(crate) fn reserves() -> Result<Reserves> {
    transfer::reserves::<Disk>()
}
