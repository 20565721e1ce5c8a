// SPDX-License-Identifier: GPL-2.0-only

//! Reads segments, and finds the objects in them.

use crate::device::Device;
use crate::engine::entry::{Content, Packed, Place};
use crate::engine::page::PAGE_SIZE;
use crate::engine::segment::{self, Objects, Segment, SEGMENT_SLOTS};
use crate::engine::slot::Slot;
use crate::glue::cpu::Pinned;
use crate::glue::memory::{self, Buffer};
use crate::glue::way::Load;
use crate::tiers::inside::Inside;
use crate::tiers::leftovers::Left;
use crate::tiers::transfer::{BufferTransfer, Entered, Failed};
use core::mem::take;
use kernel::prelude::*;

/// A segment's pages, and a copy of one of its objects.
pub(super) struct SegmentReader {
    buffer: Buffer,
    /// Which of the slots could be read, one bit each.
    readable: u8,
    object: KVVec<u8>,
}

impl SegmentReader {
    /// A reader that has read nothing. May sleep.
    pub(super) fn new() -> Result<Self> {
        Ok(Self {
            buffer: Buffer::new(SEGMENT_SLOTS)?,
            readable: 0,
            object: memory::defaults(PAGE_SIZE)?,
        })
    }

    /// Reads a segment. If that fails, the failed slots are read again one by one. `check` is called now
    /// and then; an error from it ends the read. May sleep.
    pub(super) fn read(
        &mut self,
        device: &Device,
        inside: &Inside<'_>,
        check: impl Fn() -> Result,
    ) -> Result {
        let all = self.read_slots(device, &inside.entered, inside.segment, u8::MAX, &check)?;
        self.readable = u8::MAX;
        if all.is_none() {
            return Ok(());
        }
        let disk = inside.entered.number();
        for (index, slot) in (0..SEGMENT_SLOTS).zip(inside.segment.slots()) {
            let bit = bit(index);
            if all.has(Place { disk, slot }) {
                let one = self.read_slots(device, &inside.entered, inside.segment, bit, &check)?;
                if !one.is_none() {
                    self.readable &= !bit;
                }
            }
        }
        Ok(())
    }

    fn read_slots(
        &mut self,
        device: &Device,
        entered: &Entered<'_>,
        segment: Segment,
        which: u8,
        check: &impl Fn() -> Result,
    ) -> Result<Failed> {
        let buffer = take(&mut self.buffer);
        let mut read = BufferTransfer::<Load>::read_few(device.reserves(), buffer, SEGMENT_SLOTS);
        for (index, slot) in (0..SEGMENT_SLOTS).zip(segment.slots()) {
            if which & bit(index) != 0 {
                read.add(index, entered, slot);
            }
        }
        match read.wait_while(|| check().is_ok()) {
            Ok((buffer, failed)) => {
                self.buffer = buffer;
                Ok(failed)
            }
            Err(read) => {
                device.leftovers.leave(device.disks(), Left::Read(read));
                self.buffer = Buffer::new(SEGMENT_SLOTS)?;
                check().and(Err(ECANCELED))
            }
        }
    }

    /// Passes the pages to `each` whose objects are in the segment that was read and whose entries still
    /// name them.
    pub(super) fn live(
        &self,
        device: &Device,
        inside: &Inside<'_>,
        mut each: impl FnMut(Slot, Packed),
    ) {
        let word = |index| segment::word_of(|page| self.buffer.page(page), index);
        for (header, at) in Objects::new(word) {
            let slot = inside.segment.first().checked_add(at / PAGE_SIZE);
            let packed = slot.and_then(|slot| {
                let disk = inside.entered.number();
                let place = Place { disk, slot };
                Packed::new(place, at % PAGE_SIZE, header.length, header.codec)
            });
            let content = device.index().peek(&Pinned::new(), header.slot);
            if let (Some(packed), Some(Content::Packed(now))) = (packed, content) {
                if packed == now {
                    each(header.slot, packed);
                }
            }
        }
    }

    /// The bytes of an object of the segment that was read. `None`: they could not be read.
    pub(super) fn object(&mut self, packed: Packed) -> Option<&[u8]> {
        let first = Segment::index_of(packed.place.slot);
        let from = packed.offset();
        let length = packed.length.bytes();
        for index in first..first.checked_add(packed.slots())? {
            if self.readable & bit(index) == 0 {
                return None;
            }
        }
        let bytes = |page| self.buffer.page(page).map(memory::bytes_of);
        let here = length.min(PAGE_SIZE.saturating_sub(from));
        let end = from.checked_add(here)?;
        let object = self.object.get_mut(..length)?;
        let (one, two) = object.split_at_mut_checked(here)?;
        one.copy_from_slice(bytes(first)?.get(from..end)?);
        if !two.is_empty() {
            two.copy_from_slice(bytes(first.checked_add(1)?)?.get(..two.len())?);
        }
        Some(object)
    }
}

/// The bit of a slot in its segment.
fn bit(index: usize) -> u8 {
    1u8.wrapping_shl(u32::try_from(index).unwrap_or(0))
}
