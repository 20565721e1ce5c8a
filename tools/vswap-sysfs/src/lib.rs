// SPDX-License-Identifier: GPL-2.0-only

//! The attributes of vswap's device, typed: what is below `/sys/class/vswap/vswap0/`.
//!
//! ```no_run
//! let device = vswap_sysfs::Device::open("/")?;
//! println!("{} pages in use", device.stat()?.used_slots());
//! device.add_tier("/dev/nvme0n1p3", 10, vswap_sysfs::DiskOptions::default())?;
//! # Ok::<(), vswap_sysfs::Error>(())
//! ```
//!
//! Unknown figures and fields are kept or ignored, and missing ones are 0, so that this crate works with
//! older and newer modules.
#![forbid(unsafe_code)]

mod device;
mod error;
mod stat;
mod tier;

pub use device::{known, Algorithms, Device, NODE};
pub use error::Error;
pub use stat::{Figure, Kind, Stat, Unit, FIGURES};
pub use tier::{DiskOptions, Packed, Progress, Protection, State, Tier};

/// Bytes of a page, the contents of a slot: one of this machine's.
pub fn page_bytes() -> u64 {
    u64::try_from(rustix::param::page_size()).unwrap_or(u64::MAX)
}
