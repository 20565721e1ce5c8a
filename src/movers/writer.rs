// SPDX-License-Identifier: GPL-2.0-only

//! Writes pages of the ram tier to disks, several chunks at a time.
//!
//! A chunk is filled with pages of one cluster or of many and sent. When all of it is written, it is
//! finished: the slots get their new entries. Other chunks are filled meanwhile. So a disk always has
//! work, and one that is slow or silent holds up only its own chunks.

use super::chunk::{Chunk, Filled, Item, Source, To, SEGMENTS};
use super::mover::{Mover, NewContent, Slots, CHUNK};
use crate::device::Device;
use crate::engine::codec::Codec;
use crate::engine::counters::Counter;
use crate::engine::entry::{DiskNumber, Packed, Place};
use crate::engine::held::{Moving, Owned};
use crate::engine::index::ages::{Taken, Which};
use crate::engine::index::moves::Moved;
use crate::engine::page::Page;
use crate::engine::segment::{Header, SEGMENT_BYTES, SEGMENT_SLOTS};
use crate::engine::slot::{ClusterNumber, Slot};
use crate::glue::clock;
use crate::glue::cpu::Pinned;
use crate::glue::memory::Buffer;
use crate::glue::trace;
use crate::glue::way::Store;
use crate::tiers::contexts::Lazy;
use crate::tiers::disk::PAGE_BYTES;
use crate::tiers::leftovers::Left;
use crate::tiers::transfer::{BufferTransfer, Failed, NewHome};
use core::mem::take;
use kernel::prelude::*;
use kernel::sync::Arc;

/// How many chunks a writer has: 2 MiB of pages.
const CHUNKS: usize = 4;

/// How many pages are started at a time.
const BATCH: usize = 64;

/// How many pages of the budget a segment takes.
const SEGMENT_PAGES: u64 = SEGMENT_SLOTS as u64;

/// A writer and its memory.
pub(crate) struct Writer {
    is_limited: bool,
    /// The counter for pages that were moved.
    counter: Counter,
    /// The only disk that packed pages go to, while that disk is cleaned.
    only: Option<DiskNumber>,
    mover: KBox<Mover>,
    slots: Slots,
    /// Pages of a cluster whose move has started.
    started: KVec<Moving>,
    /// Chunks that are not under way. The last one is being filled.
    idle: KVec<KBox<Chunk>>,
    /// Chunks that are under way, in the order in which they were sent.
    sent: KVec<(BufferTransfer<Store>, KBox<Chunk>)>,
    /// Pages that were moved since the last call of `take_pages`.
    pages: usize,
    /// Bytes of their objects since the last call of `take_written`.
    written: u64,
}

impl Writer {
    /// A writer for that device. It keeps to the daily limit, or only counts what it writes. May sleep.
    pub(crate) fn new(device: Arc<Device>, is_limited: bool) -> Result<Self> {
        let mut idle = KVec::with_capacity(CHUNKS, GFP_KERNEL)?;
        for _ in 0..CHUNKS {
            idle.push(Chunk::new()?, GFP_KERNEL)?;
        }
        Ok(Self {
            is_limited,
            counter: Counter::WrittenBackPages,
            only: None,
            mover: Mover::new(device, 0)?,
            slots: Slots::new()?,
            started: KVec::with_capacity(BATCH, GFP_KERNEL)?,
            idle,
            sent: KVec::with_capacity(CHUNKS, GFP_KERNEL)?,
            pages: 0,
            written: 0,
        })
    }

    /// From now on packed pages go to that disk only, as it is cleaned, or to any; `counter` counts the
    /// pages that were moved.
    pub(super) fn move_to(&mut self, only: Option<DiskNumber>, counter: Counter) {
        self.only = only;
        self.counter = counter;
    }

    /// Writes those pages of a cluster back, or leaves them to be sent with the next ones;
    /// [`finish`](Self::finish) sends the rest at the end. May sleep.
    ///
    /// `ENOSPC`: no disk has room. `EDQUOT`: the daily limit is reached.
    #[inline(never)]
    pub(crate) fn write_cluster(&mut self, number: ClusterNumber, which: Which) -> Result {
        let device = self.mover.device().clone();
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
            // No cluster gets a home where pages stay compressed.
            let becomes_whole = becomes_whole && (home.is_some() || !device.disks().are_packing());
            let mut home = match (becomes_whole, home, slots.all().first()) {
                (true, Some(home), _) => device.disks().at_home(home),
                (true, None, Some(first)) => device.disks().new_home(first.offset()),
                _ => None,
            };
            for slots in slots.all().chunks(BATCH) {
                result = result.and_then(|()| self.write_slots(number, which, slots, &mut home));
            }
            if result.is_err() {
                // The cluster still has pages whose move was not started.
                device.index().relist(&Pinned::new(), number);
            }
        }
        self.slots = slots;
        result
    }

    /// Writes some slots of a cluster.
    fn write_slots(
        &mut self,
        number: ClusterNumber,
        which: Which,
        slots: &[Slot],
        home: &mut Option<NewHome<'_>>,
    ) -> Result {
        let device = self.mover.device();
        let mut started = take(&mut self.started);
        device
            .index()
            .start_moves(&Pinned::new(), number, which, slots, |moving| {
                // The capacity is a batch.
                let _ = started.push_within_capacity(moving);
            });
        let mut result = Ok(());
        for moving in started.drain_all() {
            if result.is_ok() {
                result = self.write_page(Source::Ram(moving), home);
            } else {
                self.mover.abandon(moving);
            }
        }
        self.started = started;
        result
    }

    /// Writes a page, or leaves it to be sent with the next ones.
    fn write_page(&mut self, source: Source, home: &mut Option<NewHome<'_>>) -> Result {
        let header =
            header_of(&source).filter(|header| home.is_none() && header.codec != Codec::Raw);
        let packed = match header {
            Some(header) => self.pack(header),
            None => Ok(None),
        };
        match packed {
            Ok(Some((packed, at))) => {
                self.fill_packed(source, packed, at);
                Ok(())
            }
            Ok(None) => self.write_whole(source, home),
            Err(error) => {
                self.abandon(source);
                Err(error)
            }
        }
    }

    /// Reserves room for an object in a segment, and counts the object there. Returns where it lies on
    /// the disk, and its offset in the buffer of the chunk that is being filled. `None`: pages don't
    /// stay compressed on the disk that has room. May sleep.
    ///
    /// `ENOSPC`, `EDQUOT`: as for [`write_cluster`](Self::write_cluster).
    pub(super) fn pack(&mut self, header: Header) -> Result<Option<(Packed, usize)>> {
        let device = self.mover.device().clone();
        loop {
            self.make_room(0)?;
            let chunk = self.idle.last_mut().ok_or(ENOMEM)?;
            if let Some((packed, at)) = chunk.make_room(header) {
                let cpu = Pinned::new();
                let disk = device.disks().bay(packed.place.disk);
                let disk = disk.and_then(|bay| bay.peek(&cpu));
                // The writer is counted in the segment, which never has more objects than can be counted.
                if disk.is_some_and(|disk| disk.add_object(&cpu, packed)) {
                    return Ok(Some((packed, at)));
                }
                return Err(EIO);
            }
            self.make_room(SEGMENT_SLOTS)?;
            let only = self.only;
            let Some((entered, segment)) = device
                .disks()
                .claim_segment(only.is_some(), |disk| only.is_none_or(|only| only == disk))
            else {
                return Ok(None);
            };
            if self.is_limited && !device.budget().take(SEGMENT_PAGES, clock::seconds()) {
                entered.disk().end_writing(segment);
                return Err(EDQUOT);
            }
            let chunk = self.idle.last_mut().ok_or(ENOMEM)?;
            chunk.begin_segment(&entered, segment);
        }
    }

    /// Copies a page's object to the room that was reserved for it.
    fn fill_packed(&mut self, source: Source, packed: Packed, at: usize) {
        let device = self.mover.device();
        let chunk = self.idle.last_mut().ok_or(ENOMEM);
        let filled = chunk.and_then(|chunk| match &source {
            Source::Ram(moving) => {
                let object = moving.object().ok_or(EIO)?;
                let mut context = Lazy::new(device.contexts());
                let read = |bytes: &[u8]| chunk.write(at, bytes);
                device.ram().read(&object, context.get()?, read)?;
                Ok(chunk)
            }
            // The caller writes its bytes.
            Source::Disk(..) => Ok(chunk),
        });
        match filled {
            Ok(chunk) => {
                if let Source::Ram(_) = source {
                    let bytes = u64::try_from(packed.length.bytes()).unwrap_or(0);
                    chunk.bytes = chunk.bytes.saturating_add(bytes);
                }
                chunk.push_packed(source, packed);
            }
            Err(_) => {
                // The bytes there belong to no slot.
                device.release(&Pinned::new(), Owned::packed(packed), &[]);
                self.abandon(source);
            }
        }
    }

    /// Packs an object that lies on a disk; the writer holds a count of its segment for it. `false`: no
    /// disk on which pages stay compressed has room. May sleep.
    pub(super) fn pack_again(&mut self, slot: Slot, from: Packed, bytes: &[u8]) -> Result<bool> {
        let header = Header {
            slot,
            length: from.length,
            codec: from.codec,
        };
        let source = Source::Disk(slot, from);
        match self.pack(header) {
            Ok(Some((packed, at))) => {
                let chunk = self.idle.last_mut().ok_or(ENOMEM);
                if let Err(error) = chunk.and_then(|chunk| chunk.write(at, bytes)) {
                    let device = self.mover.device();
                    device.release(&Pinned::new(), Owned::packed(packed), &[]);
                    self.abandon(source);
                    return Err(error);
                }
                self.fill_packed(source, packed, at);
                Ok(true)
            }
            Ok(None) => {
                self.abandon(source);
                Ok(false)
            }
            Err(error) => {
                self.abandon(source);
                Err(error)
            }
        }
    }

    /// Decompresses an object that lies on a disk and writes it as a whole page; the writer holds a
    /// count of its segment for it. Returns whether it did. Errors are those of
    /// [`pack_again`](Self::pack_again).
    pub(super) fn write_again(&mut self, slot: Slot, from: Packed, bytes: &[u8]) -> Result<bool> {
        let source = Source::Disk(slot, from);
        self.write_with(source, &mut None, |device, _, page| {
            let mut context = Lazy::new(device.contexts());
            let (_, decompressor) = context.get()?.split();
            decompressor.decompress(from.codec, bytes, page)
        })
    }

    /// Gives a slot a new entry whose page is an object on a disk; the writer holds a count of its
    /// segment for it. `false`: the slot has another page by now.
    pub(super) fn replace_packed(&mut self, slot: Slot, from: Packed, new: Owned) -> bool {
        self.finish_move(Source::Disk(slot, from), new)
    }

    /// Writes a page as a whole.
    fn write_whole(&mut self, source: Source, home: &mut Option<NewHome<'_>>) -> Result {
        self.write_with(source, home, |device, source, page| match source {
            Source::Ram(moving) => {
                let object = moving.object().ok_or(EIO)?;
                let mut context = Lazy::new(device.contexts());
                device.ram().load(&object, page, context.get()?)
            }
            Source::Disk(..) => Err(EINVAL),
        })
        .map(|_| ())
    }

    /// Writes a page as a whole. `fill` makes its content; `false` if it fails.
    fn write_with(
        &mut self,
        source: Source,
        home: &mut Option<NewHome<'_>>,
        fill: impl FnOnce(&Device, &Source, &mut Page) -> Result,
    ) -> Result<bool> {
        let prepared = self.make_room(1).and_then(|()| {
            let budget = self.mover.device().budget();
            if self.is_limited && !budget.take(1, clock::seconds()) {
                return Err(EDQUOT);
            }
            Ok(())
        });
        if let Err(error) = prepared {
            self.abandon(source);
            return Err(error);
        }
        let device = self.mover.device();
        let claimed = home
            .as_mut()
            .and_then(|home| Some((home.claim(source.slot().offset())?.0, home)));
        let place = claimed.as_ref().map(|(place, _)| *place);
        let added = match self.idle.last_mut() {
            Some(chunk) => {
                if let Some((_, home)) = claimed {
                    chunk.stay.at(&home.entered);
                }
                let bytes = match &source {
                    Source::Ram(_) => header_of(&source).map_or(0, |h| h.length.bytes()),
                    Source::Disk(..) => 0,
                };
                let added = chunk.add(source, place, |source, page| fill(device, source, page));
                if added.is_ok() {
                    let bytes = u64::try_from(bytes).unwrap_or(0);
                    chunk.bytes = chunk.bytes.saturating_add(bytes);
                }
                added
            }
            None => Err(source),
        };
        if let Err(source) = added {
            if let Some(place) = place {
                device.release(&Pinned::new(), Owned::disk(place), &[]);
            }
            self.abandon(source);
            self.give_back(1);
            return Ok(false);
        }
        Ok(true)
    }

    fn give_back(&self, pages: u64) {
        if self.is_limited {
            self.mover.device().budget().give_back(pages);
        }
    }

    /// Ends the move of a page that stays where it is.
    fn abandon(&self, source: Source) {
        match source {
            Source::Ram(moving) => self.mover.abandon(moving),
            Source::Disk(_, packed) => self.let_go(packed),
        }
    }

    /// Releases the writer's count for an object, whether it was moved or not.
    pub(super) fn let_go(&self, from: Packed) {
        let device = self.mover.device();
        let disks = device.disks();
        disks.leave_segment(&Pinned::new(), from.place.disk, from.segment());
    }

    /// Makes sure that the last idle chunk has room for that many pages, and for one item. May sleep.
    fn make_room(&mut self, pages: usize) -> Result {
        let mut result = Ok(());
        if self.idle.last().is_some_and(|chunk| !chunk.has_room(pages)) {
            result = self.send();
        }
        if self.idle.is_empty() {
            self.finish_one();
        }
        self.mover.poll();
        result
    }

    /// Sends the chunk that is being filled. `ENOSPC`: some of its pages have no room. May sleep.
    fn send(&mut self) -> Result {
        let Some(mut chunk) = self.idle.pop() else {
            return Ok(());
        };
        let (transfer, result) = chunk.send(self.mover.device());
        // The capacity is all chunks.
        let _ = self.sent.push_within_capacity((transfer, chunk));
        result
    }

    /// Finishes a chunk that is written, or else waits for the one that was sent first. May sleep.
    fn finish_one(&mut self) {
        let done = self
            .sent
            .iter()
            .position(|(transfer, _)| transfer.is_done());
        if let Ok((transfer, chunk)) = self.sent.remove(done.unwrap_or(0)) {
            let device = self.mover.device();
            let chunk = match transfer.wait_while(|| chunk.is_to_be_waited_for(device)) {
                Ok((buffer, failed)) => self.finish_chunk(chunk, buffer, failed),
                Err(transfer) => self.leave(transfer, chunk),
            };
            // The capacity is all chunks.
            let _ = self.idle.push_within_capacity(chunk);
        }
    }

    /// Leaves a chunk under way, as a disk does not answer or the task is being killed. Its pages stay
    /// in memory, and its places stay claimed until the writes have ended. Returns an empty chunk. Waits
    /// if there is no memory for one.
    #[cold]
    #[inline(never)]
    fn leave(&mut self, transfer: BufferTransfer<Store>, mut chunk: KBox<Chunk>) -> KBox<Chunk> {
        let fresh = Chunk::new();
        let places = KVec::with_capacity(CHUNK, GFP_KERNEL);
        let segments = KVec::with_capacity(SEGMENTS, GFP_KERNEL);
        let (Ok(fresh), Ok(mut places), Ok(mut segments)) = (fresh, places, segments) else {
            let (buffer, failed) = transfer.wait();
            return self.finish_chunk(chunk, buffer, failed);
        };
        let device = self.mover.device();
        let mut items = take(&mut chunk.items);
        for Item { source, to } in items.drain_all() {
            match to {
                To::Anywhere(_) => self.give_back(1),
                To::Place(place) => {
                    let _ = places.push_within_capacity(place);
                    self.give_back(1);
                }
                To::Packed(packed) => device.release(&Pinned::new(), Owned::packed(packed), &[]),
            }
            self.abandon(source);
        }
        for filled in &chunk.segments {
            self.give_back(SEGMENT_PAGES);
            let _ = segments.push_within_capacity((filled.disk, filled.segment));
        }
        chunk.segments.clear();
        let left = Left::Write(transfer, places, segments);
        device.leftovers.leave(device.disks(), left);
        fresh
    }

    /// Gives the pages of a chunk their new entries. Returns the chunk, empty.
    #[inline(never)]
    fn finish_chunk(
        &mut self,
        mut chunk: KBox<Chunk>,
        buffer: Buffer,
        failed: Failed,
    ) -> KBox<Chunk> {
        let device = self.mover.device();
        chunk.note_worn(device, &failed);
        let mut items = take(&mut chunk.items);
        let mut pages = 0usize;
        let mut cluster = None;
        for item in items.drain_all() {
            let number = item.source.slot().cluster();
            if cluster.is_some_and(|cluster| cluster != number) {
                self.finish_cluster(cluster.replace(number), take(&mut pages));
            }
            cluster = Some(number);
            if self.finish_page(item, &chunk, &failed) {
                pages = pages.saturating_add(1);
            }
        }
        self.finish_cluster(cluster, pages);
        chunk.items = items;
        for filled in &chunk.segments {
            self.end_segment(filled, chunk.was_any_written(filled, &failed));
        }
        self.written = self.written.saturating_add(chunk.bytes);
        chunk.reset(buffer);
        chunk
    }

    /// Ends a segment that was written, unless all of that failed; from now on its objects' counts keep it.
    fn end_segment(&self, filled: &Filled, was_written: bool) {
        let device = self.mover.device();
        let cpu = Pinned::new();
        let disk = device.disks().bay(filled.disk).and_then(|b| b.peek(&cpu));
        if let Some(disk) = disk {
            if was_written {
                disk.wrote_segment(filled.stored);
            }
            disk.end_writing(filled.segment);
        }
        drop(cpu);
        if !was_written {
            self.give_back(SEGMENT_PAGES);
        } else if !self.is_limited {
            let bytes = const { SEGMENT_BYTES as u64 };
            device.budget().spend(bytes, clock::seconds());
        }
    }

    /// Returns whether the page was moved.
    fn finish_page(&mut self, item: Item, chunk: &Chunk, failed: &Failed) -> bool {
        match item.to {
            To::Packed(packed) => self.finish_packed(item.source, packed, chunk, failed),
            To::Place(place) => self.finish_whole(item.source, place, chunk, failed),
            To::Anywhere(_) => {
                self.give_back(1);
                self.abandon(item.source);
                false
            }
        }
    }

    fn finish_whole(
        &mut self,
        source: Source,
        place: Place,
        chunk: &Chunk,
        failed: &Failed,
    ) -> bool {
        let new = Owned::disk(place);
        if !chunk.was_written(place, failed) {
            let device = self.mover.device();
            device.release(&Pinned::new(), new, &[failed]);
            self.give_back(1);
            self.abandon(source);
            return false;
        }
        let done = self.finish_move(source, new);
        // The page went to the disk, even if its slot was stored to meanwhile.
        if !self.is_limited {
            let budget = self.mover.device().budget();
            budget.spend(PAGE_BYTES, clock::seconds());
        }
        done
    }

    fn finish_packed(
        &mut self,
        source: Source,
        packed: Packed,
        chunk: &Chunk,
        failed: &Failed,
    ) -> bool {
        let new = Owned::packed(packed);
        let disk = packed.place.disk;
        let mut slots = packed.all_slots();
        if slots.any(|slot| !chunk.was_written(Place { disk, slot }, failed)) {
            self.mover.device().release(&Pinned::new(), new, &[]);
            self.abandon(source);
            return false;
        }
        self.finish_move(source, new)
    }

    fn finish_move(&mut self, source: Source, new: Owned) -> bool {
        let device = self.mover.device();
        let content = NewContent::of(&new);
        let (moved, from): (Moved, _) = match source {
            Source::Ram(moving) => {
                let moved = device.index().finish_move(&Pinned::new(), moving, new);
                (moved, None)
            }
            Source::Disk(slot, from) => {
                let cpu = Pinned::new();
                let moved = device.index().exchange_packed(&cpu, slot, from, new);
                (moved, Some(from))
            }
        };
        let done = self.mover.moved(moved, &content, self.counter);
        if let Some(from) = from {
            self.let_go(from);
        }
        done
    }

    /// Ends a cluster of which that many pages were moved.
    fn finish_cluster(&mut self, number: Option<ClusterNumber>, pages: usize) {
        if let Some(number) = number {
            self.mover.collapse(number);
            self.pages = self.pages.saturating_add(pages);
            trace::writeback(number, &Ok(pages));
        }
    }

    /// Sends what is left, and waits for everything. The errors are those of
    /// [`write_cluster`](Self::write_cluster). May sleep.
    ///
    /// A writer that keeps to the daily limit leaves the last pages in memory if they would fill little
    /// of a segment.
    pub(crate) fn finish(&mut self) -> Result {
        if self.is_limited {
            self.drop_open();
        }
        let result = match self.idle.last() {
            Some(chunk) if !chunk.is_empty() => self.send(),
            _ => Ok(()),
        };
        while !self.sent.is_empty() {
            self.finish_one();
        }
        self.mover.flush();
        result
    }

    /// Gives up the segment that is being filled, if it has little in it.
    fn drop_open(&mut self) {
        let Some(mut chunk) = self.idle.pop() else {
            return;
        };
        let device = self.mover.device();
        let dropped = chunk.take_open(|source, packed| {
            device.release(&Pinned::new(), Owned::packed(packed), &[]);
            self.abandon(source);
        });
        if let Some(filled) = dropped {
            self.give_back(SEGMENT_PAGES);
            let disks = device.disks();
            disks.end_writing(&Pinned::new(), filled.disk, filled.segment);
        }
        if chunk.is_empty() {
            chunk.clear();
        }
        // The capacity is all chunks.
        let _ = self.idle.push_within_capacity(chunk);
    }

    /// Bytes of the ram tier's objects that will be freed when what is under way is finished.
    pub(crate) fn under_way_bytes(&self) -> u64 {
        let sent = self.sent.iter().map(|(_, chunk)| chunk.bytes);
        let filled = self.idle.iter().map(|chunk| chunk.bytes);
        let all = Iterator::chain(sent, filled);
        all.fold(self.mover.waiting_bytes(), u64::saturating_add)
    }

    /// How many pages are under way or started.
    pub(crate) fn under_way_pages(&self) -> u64 {
        let sent = self.sent.iter().map(|(_, chunk)| chunk.items.len());
        let filled = self.idle.iter().map(|chunk| chunk.items.len());
        let all = Iterator::chain(sent, filled).fold(0, usize::saturating_add);
        u64::try_from(all).unwrap_or(u64::MAX)
    }

    /// How many pages were moved since the last call.
    pub(crate) fn take_pages(&mut self) -> usize {
        take(&mut self.pages)
    }

    /// Bytes of the objects that were written since the last call.
    pub(crate) fn take_written(&mut self) -> u64 {
        take(&mut self.written)
    }

    /// Bytes of the objects that were freed since the last call.
    pub(crate) fn take_freed(&mut self) -> u64 {
        self.mover.take_freed()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Nobody else would end the moves that were started.
        let _ = self.finish();
    }
}

/// The header of a page's object in a segment.
fn header_of(source: &Source) -> Option<Header> {
    let (length, codec) = match source {
        Source::Ram(moving) => {
            let object = moving.object()?.object();
            (object.length, object.codec)
        }
        Source::Disk(_, packed) => (packed.length, packed.codec),
    };
    Some(Header {
        slot: source.slot(),
        length,
        codec,
    })
}
