// SPDX-License-Identifier: GPL-2.0-only

//! Who writes pages of the ram tier to disks, several chunks at a time.
//!
//! A chunk is filled with pages of one cluster or of many, is sent, and is finished when all of it
//! is there: then the slots get their new entries. Meanwhile others are filled. So a disk always
//! has something to do, and one that is slow or silent holds up its own chunks only.

use super::mover::{Mover, NewContent, Slots, CHUNK};
use crate::device::Device;
use crate::engine::counters::Counter;
use crate::engine::entry::Place;
use crate::engine::held::{Moving, Owned};
use crate::engine::index::ages::{Taken, Which};
use crate::engine::slot::{ClusterNumber, Slot};
use crate::glue::clock;
use crate::glue::cpu::Pinned;
use crate::glue::memory::Buffer;
use crate::glue::signal;
use crate::glue::trace;
use crate::glue::way::Store;
use crate::tiers::disk::{Allocating, PAGE_BYTES};
use crate::tiers::leftovers::Left;
use crate::tiers::transfer::{BufferTransfer, Failed, NewHome, Run, Stay};
use core::mem::take;
use kernel::prelude::*;
use kernel::sync::Arc;

/// Chunks that a writer has: 2 MiB of pages.
const CHUNKS: usize = 4;

/// Who writes back, and his memory.
pub(crate) struct Writer {
    is_limited: bool,
    mover: KBox<Mover>,
    slots: Slots,
    /// Pages of a cluster that were begun with.
    started: KVec<Moving>,
    /// Chunks that are not under way; the last one is being filled.
    idle: KVec<KBox<Chunk>>,
    /// Those that are, the one sent first in front.
    sent: KVec<(BufferTransfer<Store>, KBox<Chunk>)>,
    /// Pages that were moved, since this was asked last.
    pages: usize,
    /// Bytes of their objects, likewise.
    written: u64,
}

/// Pages that are written together.
#[derive(Default)]
struct Chunk {
    buffer: Buffer,
    /// Pages of the buffer, in its order, and where they go.
    moving: KVec<(Moving, Option<Place>)>,
    /// Bytes of their objects in the ram tier.
    bytes: u64,
    /// Keeps the disks until the entries say where the pages lie.
    stay: Stay,
}

impl Chunk {
    /// An empty one. May sleep.
    #[inline(never)]
    fn new() -> Result<KBox<Self>> {
        let chunk = Self {
            buffer: Buffer::new(CHUNK)?,
            moving: KVec::with_capacity(CHUNK, GFP_KERNEL)?,
            ..Self::default()
        };
        Ok(KBox::new(chunk, GFP_KERNEL)?)
    }

    /// Whether all disks answer that it goes to, and nobody kills who writes back.
    fn is_to_be_waited_for(&self, device: &Device) -> bool {
        let places = self.moving.iter().filter_map(|(_, place)| place.as_ref());
        let mut disks = places.map(|place| place.disk);
        !signal::is_fatal() && !disks.any(|disk| device.disks().is_stuck(disk))
    }

    fn room(&self) -> usize {
        CHUNK.saturating_sub(self.moving.len())
    }

    /// Takes a page whose object is to be moved, and reads it. Gives it back when it can't be
    /// read. May sleep.
    fn add(&mut self, mover: &Mover, started: Moving, place: Option<Place>) -> Result<(), Moving> {
        let page = self.buffer.page_mut(self.moving.len());
        if page.is_none_or(|page| mover.load(&started, page).is_err()) {
            return Err(started);
        }
        let bytes = started.object().map_or(0, |o| o.object().length.bytes());
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes).unwrap_or(0));
        // There is room for a chunk.
        let _ = self.moving.push_within_capacity((started, place));
        Ok(())
    }

    /// Finds a place for each page that has none, and sends all. Gives `ENOSPC` when some have no
    /// room. May sleep.
    #[inline(never)]
    fn send(&mut self, device: &Device) -> (BufferTransfer<Store>, Result) {
        let mut transfer = BufferTransfer::write(device.reserves(), take(&mut self.buffer));
        let mut run: Option<Run<'_>> = None;
        let without = self.moving.iter().filter(|(_, to)| to.is_none());
        let mut left = without.fold(0usize, |sum, _| sum.saturating_add(1));
        let mut result = Ok(());
        for (index, (_, place)) in (0..CHUNK).zip(self.moving.iter_mut()) {
            if let Some(Place { disk, slot }) = *place {
                // Its disk is there, as the chunk stays in the bay; what is not sent is not moved.
                match device.disks().bay(disk).and_then(|bay| bay.enter()) {
                    Some(entered) => transfer.add(index, &entered, slot),
                    None => *place = None,
                }
                continue;
            }
            if run.as_ref().is_none_or(Run::is_over) {
                run = device.disks().allocate(&Allocating::Mover, left);
            }
            left = left.saturating_sub(1);
            let Some(run) = run.as_mut() else {
                result = Err(ENOSPC);
                break;
            };
            self.stay.at(&run.entered);
            if let Some((to, slot)) = run.take() {
                *place = Some(to);
                transfer.add(index, &run.entered, slot);
            }
        }
        drop(run);
        transfer.submit();
        (transfer, result)
    }
}

impl Writer {
    /// A writer for that device, which minds the limit on what is written in a day, or only
    /// counts. May sleep.
    pub(crate) fn new(device: Arc<Device>, is_limited: bool) -> Result<Self> {
        let mut idle = KVec::with_capacity(CHUNKS, GFP_KERNEL)?;
        for _ in 0..CHUNKS {
            idle.push(Chunk::new()?, GFP_KERNEL)?;
        }
        Ok(Self {
            is_limited,
            mover: Mover::new(device, 0)?,
            slots: Slots::new()?,
            started: KVec::with_capacity(CHUNK, GFP_KERNEL)?,
            idle,
            sent: KVec::with_capacity(CHUNKS, GFP_KERNEL)?,
            pages: 0,
            written: 0,
        })
    }

    /// Writes those pages of a cluster back, or has them written with the next ones; at the end
    /// [`finish`](Self::finish) sends what is left. May sleep.
    ///
    /// `ENOSPC`: no disk has room. `EDQUOT`: what may be written in a day is written.
    #[inline(never)]
    pub(crate) fn write_cluster(&mut self, number: ClusterNumber, which: Which) -> Result {
        let device = self.mover.device();
        let mut slots = take(&mut self.slots);
        slots.clear();
        let taken = device
            .index()
            .take(&Pinned::new(), number, which, |slot| slots.push(slot));
        let mut result = Ok(());
        if let Taken::Pages {
            becomes_whole,
            home,
        } = taken
        {
            let mut home = match (becomes_whole, home, slots.all().first()) {
                (true, Some(home), _) => device.disks().at_home(home),
                (true, None, Some(first)) => device.disks().new_home(first.offset()),
                _ => None,
            };
            for slots in slots.all().chunks(CHUNK) {
                result = result.and_then(|()| self.write_slots(number, which, slots, &mut home));
            }
            if result.is_err() {
                // Those of its pages that were not begun with.
                device.index().relist(&Pinned::new(), number);
            }
        }
        self.slots = slots;
        result
    }

    /// Writes some of a cluster's slots.
    fn write_slots(
        &mut self,
        number: ClusterNumber,
        which: Which,
        mut slots: &[Slot],
        home: &mut Option<NewHome<'_>>,
    ) -> Result {
        let device = self.mover.device();
        while !slots.is_empty() {
            let room = self.make_room()?;
            let now;
            (now, slots) = slots.split_at_checked(room).unwrap_or((slots, &[]));
            let pages = u64::try_from(now.len()).unwrap_or(u64::MAX);
            if self.is_limited && !device.budget().take(pages, clock::seconds()) {
                return Err(EDQUOT);
            }
            let Self {
                started,
                idle,
                mover,
                ..
            } = self;
            let cpu = Pinned::new();
            // There is room for a chunk.
            device
                .index()
                .start_moves(&cpu, number, which, now, |moving| {
                    let _ = started.push_within_capacity(moving);
                });
            drop(cpu);
            if self.is_limited {
                let begun = u64::try_from(started.len()).unwrap_or(0);
                device.budget().give_back(pages.saturating_sub(begun));
            }
            for moving in started.drain_all() {
                let claimed = home
                    .as_mut()
                    .and_then(|home| Some((home.claim(moving.slot().offset())?.0, home)));
                let place = claimed.as_ref().map(|(place, _)| *place);
                let added = match idle.last_mut() {
                    Some(chunk) => {
                        if let Some((_, home)) = claimed {
                            chunk.stay.at(&home.entered);
                        }
                        chunk.add(mover, moving, place)
                    }
                    None => Err(moving),
                };
                if let Err(moving) = added {
                    if let Some(place) = place {
                        device.release(&Pinned::new(), Owned::disk(place), &[]);
                    }
                    mover.abandon(moving);
                    if self.is_limited {
                        device.budget().give_back(1);
                    }
                }
            }
        }
        Ok(())
    }

    /// Sees to it that the last idle chunk has room, and gives for how many pages. May sleep.
    fn make_room(&mut self) -> Result<usize> {
        let mut result = Ok(());
        if self.idle.last().is_some_and(|chunk| chunk.room() == 0) {
            result = self.send();
        }
        if self.idle.is_empty() {
            self.finish_one();
        }
        self.mover.poll();
        result.map(|()| self.idle.last().map_or(0, |chunk| chunk.room()))
    }

    /// Sends the chunk that is being filled. `ENOSPC`: some of its pages have no room. May sleep.
    fn send(&mut self) -> Result {
        let Some(mut chunk) = self.idle.pop() else {
            return Ok(());
        };
        let (transfer, result) = chunk.send(&self.mover.device());
        // There is room for all chunks.
        let _ = self.sent.push_within_capacity((transfer, chunk));
        result
    }

    /// Finishes a chunk that is there, or waits for the one that was sent first. May sleep.
    fn finish_one(&mut self) {
        let done = self
            .sent
            .iter()
            .position(|(transfer, _)| transfer.is_done());
        if let Ok((transfer, chunk)) = self.sent.remove(done.unwrap_or(0)) {
            let device = self.mover.device();
            let chunk = match transfer.wait_while(|| chunk.is_to_be_waited_for(&device)) {
                Ok((buffer, failed)) => self.finish_chunk(chunk, buffer, failed),
                Err(transfer) => self.leave(transfer, chunk),
            };
            // There is room for all chunks.
            let _ = self.idle.push_within_capacity(chunk);
        }
    }

    /// Leaves a chunk under way, as a disk does not answer, or who writes back is to die: its pages
    /// stay in memory, and its places claimed until that is over. Gives an empty one. Without
    /// memory for that it is waited for.
    #[cold]
    #[inline(never)]
    fn leave(&mut self, transfer: BufferTransfer<Store>, mut chunk: KBox<Chunk>) -> KBox<Chunk> {
        let fresh = Chunk::new();
        let places = KVec::with_capacity(CHUNK, GFP_KERNEL);
        let (Ok(fresh), Ok(mut places)) = (fresh, places) else {
            let (buffer, failed) = transfer.wait();
            return self.finish_chunk(chunk, buffer, failed);
        };
        let device = self.mover.device();
        for (started, place) in chunk.moving.drain_all() {
            if let Some(place) = place {
                let _ = places.push_within_capacity(place);
            }
            if self.is_limited {
                device.budget().give_back(1);
            }
            self.mover.abandon(started);
        }
        device
            .leftovers
            .leave(device.disks(), Left::Write(transfer, places));
        fresh
    }

    /// Gives the pages of a chunk their new places, and gives it back empty.
    #[inline(never)]
    fn finish_chunk(
        &mut self,
        mut chunk: KBox<Chunk>,
        buffer: Buffer,
        failed: Failed,
    ) -> KBox<Chunk> {
        chunk.buffer = buffer;
        let mut pages = 0usize;
        let mut cluster = None;
        for (started, place) in chunk.moving.drain_all() {
            let number = started.slot().cluster();
            if cluster.is_some_and(|cluster| cluster != number) {
                self.finish_cluster(cluster.replace(number), take(&mut pages));
            }
            cluster = Some(number);
            if self.finish_page(started, place, &failed) {
                pages = pages.saturating_add(1);
            }
        }
        self.finish_cluster(cluster, pages);
        self.written = self.written.saturating_add(take(&mut chunk.bytes));
        chunk.stay = Stay::default();
        chunk
    }

    /// Says whether the page was moved.
    fn finish_page(&mut self, started: Moving, place: Option<Place>, failed: &Failed) -> bool {
        let device = self.mover.device();
        match place {
            Some(place) if !failed.has(place) => {
                let new = Owned::disk(place);
                let content = NewContent::of(&new);
                let moved = device.index().finish_move(&Pinned::new(), started, new);
                let done = self.mover.moved(moved, &content, Counter::WrittenBackPages);
                // It went to the disk, whoever has taken the slot meanwhile.
                if !self.is_limited {
                    device.budget().spend(PAGE_BYTES, clock::seconds());
                }
                return done;
            }
            Some(place) => device.release(&Pinned::new(), Owned::disk(place), &[failed]),
            None => {}
        }
        if self.is_limited {
            device.budget().give_back(1);
        }
        self.mover.abandon(started);
        false
    }

    /// So many pages of a cluster were moved.
    fn finish_cluster(&mut self, number: Option<ClusterNumber>, pages: usize) {
        if let Some(number) = number {
            self.mover.collapse(number);
            self.pages = self.pages.saturating_add(pages);
            trace::writeback(number, &Ok(pages));
        }
    }

    /// Sends what is left, and waits for all. The errors are those of
    /// [`write_cluster`](Self::write_cluster). May sleep.
    pub(crate) fn finish(&mut self) -> Result {
        let is_begun = |chunk: &Chunk| chunk.room() != CHUNK;
        let result = match self.idle.last() {
            Some(chunk) if is_begun(chunk) => self.send(),
            _ => Ok(()),
        };
        while !self.sent.is_empty() {
            self.finish_one();
        }
        self.mover.flush();
        result
    }

    /// Bytes of the ram tier's objects that are not given back yet, and will be when what is under
    /// way is finished.
    pub(crate) fn under_way_bytes(&self) -> u64 {
        let sent = self.sent.iter().map(|(_, chunk)| chunk.bytes);
        let filled = self.idle.iter().map(|chunk| chunk.bytes);
        let all = Iterator::chain(sent, filled);
        all.fold(self.mover.waiting_bytes(), u64::saturating_add)
    }

    /// How many pages are under way, or begun with.
    pub(crate) fn under_way_pages(&self) -> u64 {
        let sent = self.sent.iter().map(|(_, chunk)| chunk.moving.len());
        let filled = self.idle.iter().map(|chunk| chunk.moving.len());
        let all = Iterator::chain(sent, filled).fold(0, usize::saturating_add);
        u64::try_from(all).unwrap_or(u64::MAX)
    }

    /// How many pages were moved since this was asked last.
    pub(crate) fn take_pages(&mut self) -> usize {
        take(&mut self.pages)
    }

    /// Bytes of the objects that were written, likewise.
    pub(crate) fn take_written(&mut self) -> u64 {
        take(&mut self.written)
    }

    /// Bytes of the objects that were given back, likewise.
    pub(crate) fn take_freed(&mut self) -> u64 {
        self.mover.take_freed()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Pages that were begun with are nobody else's to end.
        let _ = self.finish();
    }
}
