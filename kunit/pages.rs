// SPDX-License-Identifier: GPL-2.0-only

//! Devices and pages for the cases.

use crate::device::Device;
use crate::engine::config::{RamLimit, Size};
use crate::engine::counters::Counter;
use crate::engine::options::{Options, Protection};
use crate::engine::page::{Page, PAGE_SIZE};
use crate::engine::slot::Slot;
use crate::glue::cpu::Pinned;
use crate::glue::gendisk::Frees;
use crate::glue::kunit::{Folios, Paths};
use kernel::prelude::*;
use kernel::sync::Arc;

/// A disk that is memory: pages are copied to it.
pub(super) const MEMORY: &CStr = c"/dev/pmem0";
/// A disk of 8 MiB that completes a bio while it is submitted.
pub(super) const SYNCHRONOUS: &CStr = c"/dev/ram0";
/// A disk of 1 GiB that completes bios in an interrupt, a moment later.
pub(super) const INTERRUPTING: &CStr = c"/dev/nullb0";
/// A disk of 8 MiB whose upper half fails.
pub(super) const HALF: &CStr = c"/dev/mapper/half";
/// A disk of 8 MiB that can be written but not read.
pub(super) const UNREADABLE: &CStr = c"/dev/mapper/unreadable";
/// A disk of 2 MiB.
pub(super) const SMALL: &CStr = c"/dev/mapper/small";

/// How a page compresses. Its contents follow from that and from a seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One small word, repeated: it fits into an entry.
    Same,
    /// One word that fits in no entry, repeated.
    Word,
    /// To about a fifth.
    Compressible,
    /// Not at all.
    Incompressible,
}

/// All kinds.
pub(super) const KINDS: [Kind; 4] = [
    Kind::Same,
    Kind::Word,
    Kind::Compressible,
    Kind::Incompressible,
];

/// An arbitrary word.
fn scattered(seed: u64, index: usize) -> u64 {
    let word = seed
        .wrapping_add(index as u64)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word ^ (word >> 27)
}

fn word(kind: Kind, seed: u64, index: usize) -> u64 {
    let seed = seed.wrapping_mul(1000);
    match kind {
        Kind::Same => seed,
        Kind::Word => seed | 0x4009_21fb_0000_0000,
        Kind::Compressible if index % 8 != 0 => seed,
        Kind::Compressible | Kind::Incompressible => scattered(seed, index),
    }
}

/// Fills a page with contents of that kind.
pub(super) fn fill(page: &mut Page, kind: Kind, seed: u64) {
    for (index, place) in page.iter_mut().enumerate() {
        *place = word(kind, seed, index);
    }
}

/// Whether a page has those contents.
pub(super) fn is(page: &Page, kind: Kind, seed: u64) -> bool {
    page.iter()
        .enumerate()
        .all(|(index, found)| *found == word(kind, seed, index))
}

/// A device of 1 GiB, with a ram tier of that many MiB, and without disks.
pub(super) fn device(ram_mib: u64) -> Result<Arc<Device>> {
    Device::new(size()?, limit(ram_mib)?)
}

fn size() -> Result<Size> {
    Size::from_mib(1024).map_err(|_| EINVAL)
}

/// A limit of the ram tier.
pub(super) fn limit(mib: u64) -> Result<RamLimit> {
    RamLimit::from_mib(mib, u64::MAX).map_err(|_| EINVAL)
}

/// A limit of the ram tier that leaves no room for a page, so that all go to disks.
pub(super) fn no_room() -> Result<RamLimit> {
    RamLimit::from_bytes(1, u64::MAX).map_err(|_| EINVAL)
}

/// The same, in bytes.
pub(super) fn limit_of(bytes: u64) -> Result<RamLimit> {
    RamLimit::from_bytes(bytes, u64::MAX).map_err(|_| EINVAL)
}

/// A device with a disk.
pub(super) fn device_with(ram_mib: u64, disk: &CStr) -> Result<Arc<Device>> {
    let device = device(ram_mib)?;
    add(&device, disk, 0)?;
    Ok(device)
}

/// Without packed pages.
fn options(protection: Protection) -> Options {
    Options {
        protection,
        compress: Some(false),
        ..Options::default()
    }
}

/// Adds a disk.
pub(super) fn add(device: &Device, disk: &CStr, priority: i32) -> Result {
    let _paths = Paths::new();
    device
        .disks()
        .add(disk, priority, options(Protection::default()))
}

/// Adds a disk whose pages are compared with tags, and optionally encrypted.
pub(super) fn add_protected(device: &Device, disk: &CStr, encrypt: bool) -> Result {
    let _paths = Paths::new();
    let protection = Protection {
        encrypt,
        integrity: true,
    };
    device.disks().add(disk, 0, options(protection))
}

/// Adds a disk on which pages stay compressed.
pub(super) fn add_packing(device: &Device, disk: &CStr) -> Result {
    let _paths = Paths::new();
    let options = Options {
        compress: Some(true),
        ..Options::default()
    };
    device.disks().add(disk, 0, options)
}

/// Stores a page.
pub(super) fn store(device: &Device, slot: u32, kind: Kind, seed: u64) -> Result {
    store_run(device, slot, 1, kind, seed)
}

/// Stores up to 32 pages in one call, in consecutive slots. Each adds its slot's number
/// to the seed.
pub(super) fn store_run(device: &Device, first: u32, count: u32, kind: Kind, seed: u64) -> Result {
    let mut folios = Folios::new(Slot::new(first), count)?;
    for index in 0..count {
        let seed = seed.wrapping_add(u64::from(first.wrapping_add(index)));
        fill(folios.page_mut(index as usize)?, kind, seed);
    }
    folios.store(device)
}

/// Loads a page, and says whether it is what [`store`] stored there with the same arguments.
pub(super) fn load(device: &Device, slot: u32, kind: Kind, seed: u64) -> Result<bool> {
    load_run(device, slot, 1, kind, seed)
}

/// Loads up to 32 pages in one call, and says whether they are what [`store_run`] stored there
/// with the same arguments.
pub(super) fn load_run(
    device: &Device,
    first: u32,
    count: u32,
    kind: Kind,
    seed: u64,
) -> Result<bool> {
    let mut folios = Folios::new(Slot::new(first), count)?;
    for index in 0..count {
        folios.page_mut(index as usize)?.fill(0xdead_beef);
    }
    folios.load(device)?;
    let mut right = true;
    for index in 0..count {
        let seed = seed.wrapping_add(u64::from(first.wrapping_add(index)));
        right &= is(folios.page(index as usize)?, kind, seed);
    }
    Ok(right)
}

/// The result of reading a slot.
pub(super) fn read(device: &Device, slot: u32) -> Result {
    load(device, slot, Kind::Same, 0).map(|_| ())
}

/// Frees a slot, as the swap core does.
pub(super) fn free(device: &Device, slot: u32) {
    device.free(&Pinned::new(), Slot::new(slot));
}

/// Frees `count` slots from `first` on.
pub(super) fn free_run(device: &Device, first: u32, count: u32) {
    for slot in first..first.wrapping_add(count) {
        free(device, slot);
    }
}

/// Bytes in use on all disks, as pages.
pub(super) fn on_disks(device: &Device) -> u64 {
    device.disks().sum(|disk| disk.used()) / PAGE_SIZE as u64
}

/// Bytes that were read from all disks.
pub(super) fn read_from_disks(device: &Device) -> u64 {
    device.disks().sum(|disk| disk.traffic().read)
}

/// Fails unless nothing is stored, and no memory or room is left in use.
pub(super) fn ensure_empty(device: &Device) -> Result {
    for counter in [
        Counter::UsedSlots,
        Counter::SameFilledSlots,
        Counter::RamSlots,
        Counter::RawSlots,
        Counter::DiskSlots,
        Counter::LostSlots,
        Counter::CompressedBytes,
        Counter::Clusters,
        Counter::WholeClusters,
    ] {
        if device.counter(counter) != 0 {
            pr_err!("    # {} is not 0\n", counter.name());
        }
        ensure_eq!(device.counter(counter), 0);
    }
    ensure_eq!(device.ram().pool_bytes(), 0);
    ensure_eq!(on_disks(device), 0);
    Ok(())
}
