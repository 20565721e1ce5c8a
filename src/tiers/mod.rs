// SPDX-License-Identifier: GPL-2.0-only

//! Where pages lie: compressed memory, and disks.

pub(crate) mod bell;
mod changes;
mod changing;
pub(crate) mod contexts;
pub(crate) mod discarding;
pub(crate) mod disk;
pub(crate) mod disks;
pub(crate) mod inside;
pub(crate) mod leftovers;
pub(crate) mod packing;
pub(crate) mod ram;
pub(crate) mod recent;
pub(crate) mod transfer;
