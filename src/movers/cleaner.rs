// SPDX-License-Identifier: GPL-2.0-only

//! Cleaning: moves the objects that are left in segments that are mostly holes, which frees these
//! segments.
//!
//! The cleaner reads the segments with the fewest objects, copies their objects unchanged into other
//! segments, and gives the slots new entries. It cleans a disk when a quarter of its segments' bytes is
//! holes, or less when the disk has little free space, and goes on as long as that gains something.

use super::segment_reader::SegmentReader;
use super::writer::Writer;
use crate::device::Device;
use crate::engine::counters::Counter;
use crate::engine::entry::Packed;
use crate::engine::segment::{Segment, MAX_OBJECTS};
use crate::engine::slot::Slot;
use crate::glue::memory;
use crate::glue::thread::Stop;
use crate::tiers::disk::Disk;
use crate::tiers::inside::Inside;
use crate::tiers::transfer::Entered;
use kernel::prelude::*;

/// How many segments are cleaned before the cleaner checks whether to go on.
const BATCH: usize = 64;

/// The cleaner and its memory.
pub(super) struct Cleaner {
    reader: SegmentReader,
    /// How many segments have each number of objects.
    counts: KVVec<u32>,
    /// The objects of the current segment.
    objects: KVec<(Slot, Packed)>,
}

impl Cleaner {
    /// May sleep.
    pub(super) fn new() -> Result<Self> {
        Ok(Self {
            reader: SegmentReader::new()?,
            counts: memory::defaults(MAX_OBJECTS.saturating_add(1))?,
            objects: KVec::with_capacity(MAX_OBJECTS, GFP_KERNEL)?,
        })
    }

    /// Cleans the disks that need it. May sleep.
    pub(super) fn clean(&mut self, device: &Device, writer: &mut Writer, stop: &Stop) {
        for entered in device.disks().all() {
            let is_wanted = || !stop.requested() && is_to_be_cleaned(entered.disk());
            while is_wanted() && self.clean_some(device, writer, &entered, stop) {}
        }
    }

    /// Cleans some segments of a disk. Returns whether that freed space.
    #[inline(never)]
    fn clean_some(
        &mut self,
        device: &Device,
        writer: &mut Writer,
        entered: &Entered<'_>,
        stop: &Stop,
    ) -> bool {
        let before = segment_bytes(entered.disk());
        let Some(most) = self.most_objects(entered.disk()) else {
            return false;
        };
        writer.move_to(Some(entered.number()), Counter::CleanedPages);
        let mut next = 0;
        for _ in 0..BATCH {
            let packing = entered.disk().packing();
            let segment = packing.and_then(|packing| packing.first_of(next, most));
            let Some(segment) = segment.filter(|_| !stop.requested()) else {
                break;
            };
            next = segment.index().saturating_add(1);
            if self
                .clean_segment(device, writer, entered, segment)
                .is_err()
            {
                break;
            }
        }
        let _ = writer.finish();
        writer.move_to(None, Counter::WrittenBackPages);
        // Cleaned pages do not count as written back.
        let _ = writer.take_pages();
        segment_bytes(entered.disk()) < before
    }

    /// The most objects that a segment may have to be cleaned in the next batch.
    fn most_objects(&mut self, disk: &Disk) -> Option<usize> {
        let packing = disk.packing()?;
        packing.count_each(&mut self.counts);
        let worth = packing.most_objects().min(MAX_OBJECTS);
        let mut segments = 0usize;
        let mut most = None;
        for (objects, count) in (0..=worth).zip(&self.counts).skip(1) {
            if *count != 0 {
                most = Some(objects);
            }
            segments = segments.saturating_add(usize::try_from(*count).unwrap_or(usize::MAX));
            if segments >= BATCH {
                break;
            }
        }
        most
    }

    /// Moves the objects that are left in a segment.
    fn clean_segment(
        &mut self,
        device: &Device,
        writer: &mut Writer,
        entered: &Entered<'_>,
        segment: Segment,
    ) -> Result {
        let Some(inside) = Inside::of_written(entered.again(), segment) else {
            return Ok(());
        };
        let Self {
            reader, objects, ..
        } = self;
        let disk = entered.disk();
        let check = || {
            if disk.health().is_stuck() {
                Err(EIO)
            } else {
                Ok(())
            }
        };
        reader.read(device, &inside, check)?;
        objects.clear();
        reader.live(device, &inside, |slot, packed| {
            // A segment has no more objects than that.
            let _ = objects.push_within_capacity((slot, packed));
        });
        for (slot, packed) in objects.drain_all() {
            let Some(bytes) = reader.object(packed) else {
                continue;
            };
            // The writer holds a count for the object until it has moved it.
            if !disk.enter_segment(segment) {
                continue;
            }
            if !writer.pack_again(slot, packed, bytes)? {
                return Err(ENOSPC);
            }
        }
        Ok(())
    }
}

/// Whether a disk needs cleaning.
fn is_to_be_cleaned(disk: &Disk) -> bool {
    let packing = disk.packing().filter(|_| disk.is_active());
    packing.is_some_and(|packing| packing.has_holes(disk.used(), disk.size()))
}

fn segment_bytes(disk: &Disk) -> u64 {
    let packing = disk.packing();
    packing.map_or(0, |packing| packing.packs().segment_bytes)
}
