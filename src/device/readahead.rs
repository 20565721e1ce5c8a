// SPDX-License-Identifier: GPL-2.0-only

//! Reading ahead for sequential readers, before they ask.
//!
//! When a reader comes near the end of what was read ahead, a thread reads the next segments. A segment
//! is *coming* from the moment the thread enters it until the thread has read it or has given up. A
//! reader that wants a page of such a segment waits for the thread and does not read it a second time.

use super::{packed, Device};
use crate::engine::counters::{self, Counter};
use crate::engine::entry::{DiskNumber, Packed};
use crate::engine::segment::SEGMENT_SLOTS;
use crate::engine::slot::Slot;
use crate::engine::window::{Ahead, DISTANCE};
use crate::glue::bounce::{Bounce, Bounces};
use crate::glue::cpu::Pinned;
use crate::glue::thread::Stop;
use crate::glue::wait::WaitQueue;
use crate::tiers::inside::Inside;
use crate::tiers::leftovers::Left;
use crate::tiers::transfer::{Entered, SeveralTransfer};
use kernel::prelude::*;

/// How many segments are read in one batch.
const SEGMENTS: usize = 4;

/// A segment that the thread reads. Dropping this ends the wait for it.
struct Coming<'a> {
    inside: Inside<'a>,
    arrived: &'a WaitQueue,
}

impl<'a> Coming<'a> {
    /// `None`: another task reads the segment.
    fn new(inside: Inside<'a>, arrived: &'a WaitQueue) -> Option<Self> {
        if inside.entered.disk().expect_recent(inside.segment) {
            Some(Self { inside, arrived })
        } else {
            // Not built, as dropping it would end the other task's wait.
            None
        }
    }
}

impl Drop for Coming<'_> {
    fn drop(&mut self) {
        // Does nothing once the segment is kept.
        let disk = self.inside.entered.disk();
        disk.give_up_recent(self.inside.segment);
        self.arrived.wake();
    }
}

/// Segments of one disk that are read together.
struct Batch<'a> {
    entered: Entered<'a>,
    segments: KBox<[Option<Coming<'a>>; SEGMENTS]>,
    /// The last slot whose page is in them, or is kept already.
    last: Option<Slot>,
    /// Pages in them.
    pages: usize,
}

impl<'a> Batch<'a> {
    /// No segments of that disk yet. `None`: no memory.
    fn new(entered: Entered<'a>) -> Option<Self> {
        Some(Self {
            entered,
            segments: KBox::new([const { None }; SEGMENTS], GFP_NOWAIT).ok()?,
            last: None,
            pages: 0,
        })
    }

    fn coming(&self) -> impl DoubleEndedIterator<Item = &Coming<'a>> + use<'_, 'a> {
        self.segments.iter().flatten()
    }

    /// Adds a slot's page. Returns whether there is room for more.
    fn add(&mut self, slot: Slot, packed: Packed, arrived: &'a WaitQueue) -> bool {
        if packed.place.disk != self.entered.number() {
            return true;
        }
        let segment = packed.segment();
        let is_in_it = |coming: &Coming<'_>| coming.inside.segment == segment;
        if self.coming().any(is_in_it) {
            self.pages = self.pages.saturating_add(1);
        } else if !packed::is_known(self.entered.disk(), packed) {
            let Some(place) = self.segments.iter_mut().find(|place| place.is_none()) else {
                return false;
            };
            if !self.entered.disk().enter_written(segment) {
                return true;
            }
            // Dropping this leaves the segment.
            let entered = self.entered.again();
            *place = Coming::new(Inside { entered, segment }, arrived);
            self.pages = self.pages.saturating_add(place.is_some().into());
        }
        self.last = Some(slot);
        true
    }
}

impl Device {
    /// Reads the segments that hold the pages of a slot and of those behind it. Sleeps until the disk
    /// has answered or is stuck, or the thread has to stop.
    #[inline(never)]
    pub(crate) fn read_on(&self, from: Slot, stop: &Stop) {
        let mut batch = None;
        self.find_on(from, &mut batch);
        let Some(batch) = batch else {
            return;
        };
        if self.read_batch(&batch, stop).is_none() {
            return;
        }
        if let Some(last) = batch.last {
            self.readers.windows.done(last.next(), Ahead::MOST);
        }
        self.count_read_ahead(batch.pages);
    }

    /// Counts pages that were read ahead.
    pub(super) fn count_read_ahead(&self, pages: usize) {
        self.readers.trust.read(pages);
        let cpu = Pinned::new();
        self.tally(&cpu)
            .count(Counter::ReadAheadPages, counters::number(pages));
    }

    /// Finds the segments that hold the pages of a slot and of those behind it, on the disk of the first
    /// packed page. There may be none.
    #[inline(never)]
    fn find_on<'a>(&'a self, from: Slot, batch: &mut Option<Batch<'a>>) {
        let end = from.number().saturating_add(DISTANCE);
        let mut next = Some(from);
        while let Some(first) = next.filter(|next| next.number() < end) {
            for (slot, packed) in packed::packed_of(first, &self.packed_run(first)) {
                if batch.is_none() {
                    *batch = self.new_batch(packed.place.disk);
                }
                let arrived = &self.readers.arrived;
                let is_room = batch
                    .as_mut()
                    .is_some_and(|batch| batch.add(slot, packed, arrived));
                if !is_room {
                    return;
                }
            }
            next = packed::after_run(first);
        }
    }

    #[inline(never)]
    fn new_batch(&self, disk: DiskNumber) -> Option<Batch<'_>> {
        self.disks.enter(disk).and_then(Batch::new)
    }

    /// Reads the segments of a batch and keeps them. `None`: no memory, a failed read, or a stuck disk.
    #[inline(never)]
    fn read_batch(&self, batch: &Batch<'_>, stop: &Stop) -> Option<()> {
        let mut bounces = Bounces::with_room(SEGMENTS, SEGMENT_SLOTS);
        for _ in batch.coming() {
            bounces
                .push(Bounce::try_new(SEGMENT_SLOTS)?)
                .then_some(())?;
        }
        const MOST: usize = SEGMENTS * SEGMENT_SLOTS;
        let mut transfer = SeveralTransfer::read_few(&self.packed_loads, bounces, MOST);
        let mut index = 0usize;
        for coming in batch.coming() {
            for slot in coming.inside.segment.slots() {
                transfer.add(index, &batch.entered, slot);
                index = index.saturating_add(1);
            }
        }
        let health = batch.entered.disk().health();
        let read = transfer.wait_while(|| !stop.requested() && !health.is_stuck());
        let (mut bounces, failed) = match read {
            Ok(read) => read,
            Err(transfer) => {
                self.leftovers.leave(&self.disks, Left::Ahead(transfer));
                return None;
            }
        };
        failed.is_none().then_some(())?;
        for coming in batch.coming().rev() {
            packed::keep(&coming.inside, bounces.pop()?, 0..SEGMENT_SLOTS);
        }
        Some(())
    }
}
