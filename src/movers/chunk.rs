// SPDX-License-Identifier: GPL-2.0-only

//! A chunk: whole pages and segments of packed pages that are written together.

use super::mover::CHUNK;
use crate::device::Device;
use crate::engine::entry::{DiskNumber, Packed, Place, MAX_DISKS};
use crate::engine::held::Moving;
use crate::engine::page::{Page, PAGE_SIZE, PAGE_WORDS};
use crate::engine::segment::{
    Filling, Header, Segment, Spot, HEADER_BYTES, SEGMENT_BYTES, SEGMENT_SLOTS,
};
use crate::engine::slot::Slot;
use crate::glue::cpu::Pinned;
use crate::glue::memory::{self, Buffer};
use crate::glue::signal;
use crate::glue::way::Store;
use crate::tiers::disk::Allocating;
use crate::tiers::transfer::{BufferTransfer, Entered, Failed, Run, Stay};
use core::mem::take;
use kernel::prelude::*;

/// The most pages in a chunk, packed ones included.
const ITEMS: usize = 768;

/// The most segments in a chunk.
pub(super) const SEGMENTS: usize = CHUNK / SEGMENT_SLOTS;

/// Where a page comes from.
pub(super) enum Source {
    /// The ram tier.
    Ram(Moving),
    /// A segment on a disk. The writer holds one count of that segment for it.
    Disk(Slot, Packed),
}

impl Source {
    /// The slot of the page.
    pub(super) fn slot(&self) -> Slot {
        match self {
            Self::Ram(moving) => moving.slot(),
            Self::Disk(slot, _) => *slot,
        }
    }
}

/// Where a page goes.
#[derive(Clone, Copy)]
pub(super) enum To {
    /// Any place, as a whole page: the page of the buffer with this index.
    Anywhere(usize),
    /// This place, as a whole page.
    Place(Place),
    /// This place in a segment.
    Packed(Packed),
}

/// The bit of a disk.
fn bit(disk: DiskNumber) -> u8 {
    let index = u32::try_from(disk.index()).unwrap_or(0);
    1u8.wrapping_shl(index)
}

const _: () = assert!(MAX_DISKS <= 8);

/// How many of the first pages follow each other in the buffer and on their disk: at least one.
fn consecutive(placed: &[(usize, Place)]) -> usize {
    let pairs = placed.iter().zip(placed.iter().skip(1));
    pairs
        .take_while(|((index, place), (next_index, next))| {
            index.checked_add(1) == Some(*next_index)
                && place.disk == next.disk
                && place.slot.next() == next.slot
        })
        .fold(1, |count, _| count.saturating_add(1))
}

/// A page of a chunk.
pub(super) struct Item {
    pub(super) source: Source,
    pub(super) to: To,
}

/// A segment that is being filled. The writer is counted in it.
pub(super) struct Filled {
    pub(super) disk: DiskNumber,
    pub(super) segment: Segment,
    filling: Filling,
    /// The index of its first page in the buffer.
    page: usize,
    /// Bytes of the objects that were not on that disk before.
    pub(super) stored: u64,
}

impl Filled {
    fn has(&self, packed: Packed) -> bool {
        packed.place.disk == self.disk && packed.segment() == self.segment
    }

    /// Its slots on the disk.
    pub(super) fn places(&self) -> impl Iterator<Item = Place> + '_ {
        let disk = self.disk;
        self.segment.slots().map(move |slot| Place { disk, slot })
    }
}

/// Pages that are written together.
#[derive(Default)]
pub(super) struct Chunk {
    buffer: Buffer,
    /// How many pages of the buffer are in use.
    pages: usize,
    /// Whole pages that have a place already: their index in the buffer, and the place.
    placed: KVec<(usize, Place)>,
    pub(super) items: KVVec<Item>,
    pub(super) segments: KVec<Filled>,
    /// Disks that were gone when pages were to be sent to them, one bit each.
    unsent: u8,
    /// Bytes of the objects that come from the ram tier.
    pub(super) bytes: u64,
    /// Keeps the disks until the entries name the new places.
    pub(super) stay: Stay,
}

impl Chunk {
    /// An empty chunk. May sleep.
    #[inline(never)]
    pub(super) fn new() -> Result<KBox<Self>> {
        let chunk = Self {
            buffer: Buffer::new(CHUNK)?,
            placed: KVec::with_capacity(CHUNK, GFP_KERNEL)?,
            items: KVVec::with_capacity(ITEMS, GFP_KERNEL)?,
            segments: KVec::with_capacity(SEGMENTS, GFP_KERNEL)?,
            ..Self::default()
        };
        Ok(KBox::new(chunk, GFP_KERNEL)?)
    }

    /// Whether the chunk is empty.
    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty() && self.segments.is_empty()
    }

    /// Whether there is room for that many pages of the buffer, and for one item.
    pub(super) fn has_room(&self, pages: usize) -> bool {
        self.pages.saturating_add(pages) <= CHUNK && self.items.len() < ITEMS
    }

    /// Whether all disks that the chunk goes to answer, and the task is not being killed.
    pub(super) fn is_to_be_waited_for(&self, device: &Device) -> bool {
        let segments = self.segments.iter().map(|filled| filled.disk);
        let placed = self.placed.iter().map(|(_, place)| place.disk);
        let mut disks = Iterator::chain(segments, placed);
        !signal::is_fatal() && !disks.any(|disk| device.disks().is_stuck(disk))
    }

    /// Adds a page that goes to `place`, or to any place. `fill` fills the page of the buffer; if it
    /// fails, the source is returned. The caller has checked that there is room.
    pub(super) fn add(
        &mut self,
        source: Source,
        place: Option<Place>,
        fill: impl FnOnce(&Source, &mut Page) -> Result,
    ) -> Result<(), Source> {
        let index = self.pages;
        let page = self.buffer.page_mut(index);
        if page.is_none_or(|page| fill(&source, page).is_err()) {
            return Err(source);
        }
        self.pages = index.saturating_add(1);
        let to = match place {
            Some(place) => {
                // The capacity is that of a chunk.
                let _ = self.placed.push_within_capacity((index, place));
                To::Place(place)
            }
            None => To::Anywhere(index),
        };
        // The caller has checked that there is room.
        let _ = self.items.push_within_capacity(Item { source, to });
        Ok(())
    }

    /// Begins a segment in which the caller is counted. The caller has checked that there is room.
    pub(super) fn begin_segment(&mut self, entered: &Entered<'_>, segment: Segment) {
        self.stay.at(entered);
        let filled = Filled {
            disk: entered.number(),
            segment,
            filling: Filling::default(),
            page: self.pages,
            stored: 0,
        };
        self.pages = self.pages.saturating_add(SEGMENT_SLOTS);
        // The capacity is that of a chunk's segments.
        let _ = self.segments.push_within_capacity(filled);
    }

    /// Reserves room for an object in the last segment that was begun, and writes the object's header.
    /// Returns where the object lies on the disk, and its offset in the buffer. `None`: there is no
    /// room.
    pub(super) fn make_room(&mut self, header: Header) -> Option<(Packed, usize)> {
        if self.items.len() >= ITEMS {
            return None;
        }
        let filled = self.segments.last_mut()?;
        let Spot { header: at, object } = filled.filling.add(header.length)?;
        let first = filled.page.saturating_mul(PAGE_SIZE);
        let slot = filled.segment.first().checked_add(object / PAGE_SIZE)?;
        let place = Place {
            disk: filled.disk,
            slot,
        };
        let packed = Packed::new(place, object % PAGE_SIZE, header.length, header.codec)?;
        self.write_word(first.saturating_add(at), header.to_word());
        Some((packed, first.saturating_add(object)))
    }

    /// Adds a packed page.
    pub(super) fn push_packed(&mut self, source: Source, packed: Packed) {
        let is_new = match source {
            Source::Ram(_) => true,
            Source::Disk(_, from) => from.place.disk != packed.place.disk,
        };
        if let Some(filled) = self.segments.last_mut().filter(|_| is_new) {
            let bytes = u64::try_from(packed.length.bytes()).unwrap_or(0);
            filled.stored = filled.stored.saturating_add(bytes);
        }
        let to = To::Packed(packed);
        // `make_room` has checked that there is room.
        let _ = self.items.push_within_capacity(Item { source, to });
    }

    fn write_word(&mut self, at: usize, word: u64) {
        let index = at / HEADER_BYTES;
        let page = self.buffer.page_mut(index / PAGE_WORDS);
        if let Some(place) = page.and_then(|page| page.get_mut(index % PAGE_WORDS)) {
            *place = word;
        }
    }

    /// Writes bytes to the buffer, beginning at offset `at`.
    pub(super) fn write(&mut self, at: usize, bytes: &[u8]) -> Result {
        let offset = at % PAGE_SIZE;
        let room = PAGE_SIZE.saturating_sub(offset);
        let (first, rest) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
        let mut copy = |page: usize, offset: usize, bytes: &[u8]| {
            let page = memory::bytes_of_mut(self.buffer.page_mut(page).ok_or(EINVAL)?);
            let end = offset.saturating_add(bytes.len());
            page.get_mut(offset..end)
                .ok_or(EINVAL)?
                .copy_from_slice(bytes);
            Ok::<(), Error>(())
        };
        let page = at / PAGE_SIZE;
        copy(page, offset, first)?;
        if rest.is_empty() {
            return Ok(());
        }
        copy(page.saturating_add(1), 0, rest)
    }

    /// Removes the segment that is being filled, if it is too empty to be worth writing. Passes its
    /// pages to `each`.
    pub(super) fn take_open(&mut self, mut each: impl FnMut(Source, Packed)) -> Option<Filled> {
        let filled = self.segments.last()?;
        if filled.filling.bytes() >= SEGMENT_BYTES / 4 * 3 {
            return None;
        }
        let filled = self.segments.pop()?;
        for index in (0..self.items.len()).rev() {
            let packed = match self.items.get(index).map(|item| item.to) {
                Some(To::Packed(packed)) if filled.has(packed) => packed,
                _ => continue,
            };
            if let Ok(item) = self.items.remove(index) {
                each(item.source, packed);
            }
        }
        Some(filled)
    }

    /// Zeroes the free space of the segments: a zero word marks the end of their objects.
    fn clear_rest(&mut self) {
        for index in 0..self.segments.len() {
            let Some((page, bytes)) = self
                .segments
                .get(index)
                .map(|filled| (filled.page, filled.filling.bytes()))
            else {
                return;
            };
            let first = page.saturating_mul(PAGE_SIZE);
            for at in (bytes..SEGMENT_BYTES).step_by(HEADER_BYTES) {
                self.write_word(first.saturating_add(at), 0);
            }
        }
    }

    /// Finds a place for each whole page that has none, and sends everything. The result is `ENOSPC`
    /// when some pages have no room. May sleep.
    #[inline(never)]
    pub(super) fn send(&mut self, device: &Device) -> (BufferTransfer<Store>, Result) {
        self.clear_rest();
        let mut transfer = BufferTransfer::write(device.reserves(), take(&mut self.buffer));
        // The disks exist, as the chunk stays in their bays. A page that is not sent is not moved.
        let mut unsent = 0;
        let mut send = |index, count, Place { disk, slot }| match device
            .disks()
            .bay(disk)
            .and_then(|bay| bay.enter())
        {
            Some(entered) => transfer.add_run(index, count, &entered, slot),
            None => unsent |= bit(disk),
        };
        for filled in &self.segments {
            if let Some(first) = filled.places().next() {
                send(filled.page, SEGMENT_SLOTS, first);
            }
        }
        let mut rest = self.placed.as_slice();
        while let Some((index, first)) = rest.first() {
            let count = consecutive(rest);
            send(*index, count, *first);
            rest = rest.get(count..).unwrap_or_default();
        }
        self.unsent = unsent;
        let result = self.send_anywhere(device, &mut transfer);
        transfer.submit();
        (transfer, result)
    }

    fn send_anywhere(&mut self, device: &Device, transfer: &mut BufferTransfer<Store>) -> Result {
        let is_anywhere = |item: &Item| matches!(item.to, To::Anywhere(_));
        let anywhere = self.items.iter().filter(|item| is_anywhere(item));
        let mut left = anywhere.fold(0usize, |sum, _| sum.saturating_add(1));
        let mut run: Option<Run<'_>> = None;
        for item in &mut self.items {
            let To::Anywhere(index) = item.to else {
                continue;
            };
            if run.as_ref().is_none_or(Run::is_over) {
                run = device.disks().allocate(&Allocating::Mover, left);
            }
            left = left.saturating_sub(1);
            let run = run.as_mut().ok_or(ENOSPC)?;
            self.stay.at(&run.entered);
            if let Some((place, slot)) = run.take() {
                item.to = To::Place(place);
                let _ = self.placed.push_within_capacity((index, place));
                transfer.add(index, &run.entered, slot);
            }
        }
        Ok(())
    }

    /// Whether the pages at that place were written.
    pub(super) fn was_written(&self, place: Place, failed: &Failed) -> bool {
        self.unsent & bit(place.disk) == 0 && !failed.has(place)
    }

    /// Whether anything of a segment was written.
    pub(super) fn was_any_written(&self, filled: &Filled, failed: &Failed) -> bool {
        filled.places().any(|place| self.was_written(place, failed))
    }

    /// Retires the slots of its segments that failed and are bad.
    pub(super) fn note_worn(&self, device: &Device, failed: &Failed) {
        if failed.is_none() {
            return;
        }
        for filled in &self.segments {
            let cpu = Pinned::new();
            let disk = device.disks().bay(filled.disk).and_then(|b| b.peek(&cpu));
            let Some(disk) = disk else {
                continue;
            };
            for place in filled.places().filter(|place| failed.is_bad(*place)) {
                disk.note_worn(place.slot);
            }
        }
    }

    /// Empties the chunk and gives it that buffer.
    pub(super) fn reset(&mut self, buffer: Buffer) {
        self.buffer = buffer;
        self.clear();
    }

    /// Empties the chunk and lets go of its disks.
    pub(super) fn clear(&mut self) {
        self.pages = 0;
        self.unsent = 0;
        self.bytes = 0;
        self.placed.clear();
        self.segments.clear();
        self.stay = Stay::default();
    }
}
