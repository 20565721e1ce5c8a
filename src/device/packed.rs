// SPDX-License-Identifier: GPL-2.0-only

//! Reads packed pages.
//!
//! The one or two slots of an object are read into vswap's own memory. When slots are read in order,
//! more of the segment is read at the same time and kept for a while, as the next pages are in it. The
//! pages stay on the disk as well, so their memory can be freed at any time.

use super::{CallPage, Device};
use crate::engine::counters::Counter;
use crate::engine::entry::{Content, Packed};
use crate::engine::index::Found;
use crate::engine::page::PAGE_SIZE;
use crate::engine::segment::{Segment, SEGMENT_SLOTS};
use crate::engine::slot::{Slot, SLOTS_PER_CLUSTER};
use crate::engine::window::{Ahead, DISTANCE};
use crate::glue::bounce::{Bounce, Bounces};
use crate::glue::cpu::Pinned;
use crate::glue::swap_area;
use crate::glue::way::Load;
use crate::tiers::contexts::Lazy;
use crate::tiers::disk::Disk;
use crate::tiers::inside::Inside;
use crate::tiers::recent::{Recently, Slots};
use crate::tiers::transfer::{PairTransfer, SeveralTransfer};
use core::ops::Range;
use kernel::prelude::*;
use kernel::sync::Arc;

/// How many slots are looked up at a time.
const AT_ONCE: usize = 8;

/// How long a task waits at a time for slots that another one reads, in milliseconds.
const TURN_MS: u32 = 1000;

/// How many more segments a sequential reader with the largest window reads at the same time.
const MORE: usize = 3;

/// The contents of slots that were read.
enum Data<'a> {
    Shared(Arc<Bounce<'static>>),
    Own(Bounce<'a>),
}

impl Data<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Shared(bounce) => bounce.bytes(),
            Self::Own(bounce) => bounce.bytes(),
        }
    }
}

/// Slots of a segment that were read.
pub(super) struct Read<'a> {
    data: Data<'a>,
    /// Which slots of the segment these are.
    slots: Range<usize>,
    inside: Inside<'a>,
}

impl Read<'_> {
    /// The bytes of an object, if they are among these slots.
    fn object(&self, packed: Packed) -> Option<&[u8]> {
        let bytes = self.inside.has(packed).then(|| self.data.bytes())?;
        within(bytes, &self.slots, packed)
    }
}

/// The bytes of an object, if they are among these slots of its segment.
fn within<'a>(bytes: &'a [u8], slots: &Range<usize>, packed: Packed) -> Option<&'a [u8]> {
    let start = slots.start.checked_mul(PAGE_SIZE)?;
    let from = packed.in_segment().checked_sub(start)?;
    let end = from.checked_add(packed.length.bytes())?;
    if end > slots.len().checked_mul(PAGE_SIZE)? {
        return None;
    }
    bytes.get(from..end)
}

/// Whether the bytes of an object of the same segment are among those slots.
fn has(read: &Slots, packed: Packed) -> bool {
    within(read.bounce.bytes(), &read.slots, packed).is_some()
}

/// The slots of its segment that an object lies in.
fn slots_of(packed: Packed) -> Range<usize> {
    let first = Segment::index_of(packed.place.slot);
    first..first.saturating_add(packed.slots())
}

/// A page that is being read.
pub(super) struct Wanted {
    pub(super) slot: Slot,
    pub(super) packed: Packed,
    /// Whether the same call wants the next pages as well.
    pub(super) is_run: bool,
}

/// The slot after those that are looked up together, of which `first` is the first.
pub(super) fn after_run(first: Slot) -> Option<Slot> {
    let left = SLOTS_PER_CLUSTER.checked_sub(first.offset().index())?;
    first.checked_add(left.min(AT_ONCE))
}

/// Whether the slots that an object lies in are kept or are being read.
pub(super) fn is_known(disk: &Disk, packed: Packed) -> bool {
    match disk.recent(packed.segment()) {
        Some(Recently::Coming) => true,
        Some(Recently::Read(slots)) => has(&slots, packed),
        None => false,
    }
}

/// Keeps slots of a segment that were read. `None`: there is no memory for that.
pub(super) fn keep(
    inside: &Inside<'_>,
    bounce: Bounce<'static>,
    slots: Range<usize>,
) -> Option<Slots> {
    let bounce = Arc::new(bounce, GFP_NOWAIT).ok()?;
    let read = Slots { bounce, slots };
    let disk = inside.entered.disk();
    disk.keep_recent(inside.segment, read.clone());
    Some(read)
}

impl Device {
    /// Reads a packed page. `recent` is what the same call has read last. `false`: the page has been
    /// moved meanwhile. May sleep.
    ///
    /// `EIO`: it can't be read.
    #[inline(never)]
    pub(super) fn load_packed<'a>(
        &'a self,
        page: &mut CallPage<'_, Load>,
        wanted: &Wanted,
        context: &mut Lazy<'_>,
        recent: &mut Option<Read<'a>>,
        found: Found,
    ) -> Result<bool> {
        let packed = wanted.packed;
        // What the call has read last was not freed since, as it is counted in the segment.
        if recent
            .as_ref()
            .and_then(|read| read.object(packed))
            .is_none()
        {
            *recent = None;
            context.give_back();
            let Some(read) = self.read_packed(page, wanted)? else {
                return Ok(false);
            };
            *recent = Some(read);
        }
        let bytes = recent.as_ref().and_then(|read| read.object(packed));
        let (_, contents) = page.parts();
        let (_, decompressor) = context.get()?.split();
        decompressor.decompress(packed.codec, bytes.ok_or(EIO)?, contents)?;
        context.give_back();
        swap_area::page_read_from_disk();
        self.loaded(&Pinned::new(), found, Counter::DiskLoads);
        Ok(true)
    }

    // Out of line, as is what follows, so that their stack frames don't add up.
    /// Returns the slots that an object lies in, kept ones or newly read ones, perhaps with others.
    /// `None`: the page was moved meanwhile.
    #[inline(never)]
    fn read_packed<'a>(
        &'a self,
        page: &CallPage<'_, Load>,
        wanted: &Wanted,
    ) -> Result<Option<Read<'a>>> {
        let packed = wanted.packed;
        let entered = self.disks.enter(packed.place.disk);
        let Some(inside) = entered.and_then(|e| Inside::new(e, packed.segment())) else {
            return Ok(None);
        };
        // From here on the object can't be freed. Before, the slot may have changed.
        if self.packed_of(page.slot()) != Some(packed) {
            return Ok(None);
        }
        let (data, slots) = if let Some(kept) = self.kept(&inside).filter(|kept| has(kept, packed))
        {
            self.tally(&Pinned::new()).count(Counter::ReadAheadLoads, 1);
            self.readers.asked_for(wanted.slot);
            (Data::Shared(kept.bounce), kept.slots)
        } else {
            let ahead = self.readers.ask(wanted.slot);
            if let Some(read) = self.read_ahead(&inside, wanted, ahead) {
                (Data::Shared(read.bounce), read.slots)
            } else {
                self.readers.windows.done(wanted.slot.next(), ahead);
                let slots = slots_of(packed);
                (Data::Own(self.read_pair(&inside, &slots)?), slots)
            }
        };
        Ok(Some(Read {
            data,
            slots,
            inside,
        }))
    }

    /// What is kept of a segment. Waits if another task is reading it.
    fn kept(&self, inside: &Inside<'_>) -> Option<Slots> {
        let disk = inside.entered.disk();
        loop {
            match disk.recent(inside.segment)? {
                Recently::Read(slots) => return Some(slots),
                Recently::Coming => {
                    let is_over = || !matches!(disk.recent(inside.segment), Some(Recently::Coming));
                    self.readers.arrived.wait_timeout(TURN_MS, is_over);
                }
            }
        }
    }

    /// Reads the one or two slots of an object.
    #[inline(never)]
    fn read_pair(&self, inside: &Inside<'_>, slots: &Range<usize>) -> Result<Bounce<'_>> {
        let mut transfer =
            PairTransfer::read_few(&self.packed_loads, self.pairs.pair()?, slots.len());
        let first = inside.segment.first();
        for (index, slot) in (0..SEGMENT_SLOTS).zip(slots.clone()) {
            let slot = first.checked_add(slot).ok_or(EIO)?;
            transfer.add(index, &inside.entered, slot);
        }
        let (bounce, failed) = transfer.wait();
        failed.is_none().then_some(bounce).ok_or(EIO)
    }

    /// Reads the slots of a wanted page and those behind it, and keeps them. `None`: there is nothing
    /// more to read, or it failed; perhaps only one of the other slots can't be read.
    #[inline(never)]
    fn read_ahead(&self, inside: &Inside<'_>, wanted: &Wanted, ahead: Ahead) -> Option<Slots> {
        if ahead.slots == 0 && !wanted.is_run {
            return None;
        }
        let (slots, mut last, mut pages) = self.widened(wanted, ahead);
        let mut more = [const { None }; MORE];
        if ahead.slots == SEGMENT_SLOTS && !wanted.is_run {
            (last, pages) = self.find_more(inside, wanted, &mut more, (last, pages));
        }
        if pages == 0 {
            return None;
        }
        let mut bounces = Bounces::with_room(MORE.saturating_add(1), SEGMENT_SLOTS);
        let mut is_room = bounces.push(Bounce::try_new(slots.len())?);
        for _ in more.iter().flatten() {
            is_room &= bounces.push(Bounce::try_new(SEGMENT_SLOTS)?);
        }
        let mut bounces = self
            .read_slots(inside, bounces, &slots, &more)
            .ok()
            .filter(|_| is_room)?;
        // The segments can't be freed before their contents are kept.
        for inside in more.iter().flatten().rev() {
            keep(inside, bounces.pop()?, 0..SEGMENT_SLOTS);
        }
        let read = keep(inside, bounces.pop()?, slots)?;
        self.readers.windows.done(last.next(), ahead);
        self.count_read_ahead(pages);
        Some(read)
    }

    /// Finds the segments that hold the pages of the next slots, and enters them. Returns the last of
    /// those slots, and how many pages there are, including those that `widened` found.
    #[inline(never)]
    fn find_more<'a>(
        &self,
        inside: &Inside<'a>,
        wanted: &Wanted,
        more: &mut [Option<Inside<'a>>; MORE],
        (mut last, mut pages): (Slot, usize),
    ) -> (Slot, usize) {
        let disk = inside.entered.disk();
        self.each_next(wanted, |slot, packed| {
            let segment = packed.segment();
            if segment == inside.segment {
                return;
            }
            if !more.iter().flatten().any(|more| more.segment == segment) {
                let Some(place) = more.iter_mut().find(|place| place.is_none()) else {
                    return;
                };
                if is_known(disk, packed) || !disk.enter_written(segment) {
                    return;
                }
                // Dropping this leaves the segment.
                *place = Some(Inside {
                    entered: inside.entered.again(),
                    segment,
                });
            }
            pages = pages.saturating_add(1);
            last = slot;
        });
        (last, pages)
    }

    /// Reads slots of a segment, and other segments.
    #[inline(never)]
    fn read_slots<'a>(
        &self,
        inside: &Inside<'_>,
        bounces: Bounces<'a>,
        slots: &Range<usize>,
        more: &[Option<Inside<'_>>; MORE],
    ) -> Result<Bounces<'a>> {
        const MOST: usize = (MORE + 1) * SEGMENT_SLOTS;
        let mut transfer = SeveralTransfer::read_few(&self.packed_loads, bounces, MOST);
        let first = inside.segment.first();
        for (index, slot) in (0..SEGMENT_SLOTS).zip(slots.clone()) {
            let slot = first.checked_add(slot).ok_or(EIO)?;
            transfer.add(index, &inside.entered, slot);
        }
        let mut index = SEGMENT_SLOTS;
        for inside in more.iter().flatten() {
            for slot in inside.segment.slots() {
                transfer.add(index, &inside.entered, slot);
                index = index.saturating_add(1);
            }
        }
        let (bounces, failed) = transfer.wait();
        failed.is_none().then_some(bounces).ok_or(EIO)
    }

    /// Returns the slots of the wanted page and those behind them that hold the pages of the next slots,
    /// as far as they may be read ahead; the last of those next slots; and how many pages they have.
    fn widened(&self, wanted: &Wanted, ahead: Ahead) -> (Range<usize>, Slot, usize) {
        let least = slots_of(wanted.packed);
        let most = if wanted.is_run {
            SEGMENT_SLOTS
        } else {
            least.end.saturating_add(ahead.slots).min(SEGMENT_SLOTS)
        };
        let (mut end, mut last, mut pages) = (least.end, wanted.slot, 0usize);
        self.each_next(wanted, |slot, packed| {
            let slots = slots_of(packed);
            let is_here = packed.segment() == wanted.packed.segment();
            if is_here && slots.start >= least.start && slots.end <= most {
                end = end.max(slots.end);
                last = slot;
                pages = pages.saturating_add(1);
            }
        });
        (least.start..end, last, pages)
    }

    /// Calls `each` for the next slots of the cluster whose pages are packed on the same disk.
    fn each_next(&self, wanted: &Wanted, mut each: impl FnMut(Slot, Packed)) {
        let end = wanted.slot.number().saturating_add(DISTANCE);
        let is_near = |next: &Slot| next.cluster() == wanted.slot.cluster() && next.number() <= end;
        let mut next = Some(wanted.slot.next());
        while let Some(first) = next.filter(is_near) {
            for (slot, packed) in packed_of(first, &self.packed_run(first)) {
                if packed.place.disk == wanted.packed.place.disk {
                    each(slot, packed);
                }
            }
            next = after_run(first);
        }
    }

    /// Looks up a few slots of the first one's cluster: where their pages are packed.
    #[inline(never)]
    pub(super) fn packed_run(&self, first: Slot) -> [Option<Packed>; AT_ONCE] {
        let mut run = [None; AT_ONCE];
        let mut places = run.iter_mut();
        self.index.peek_run(&Pinned::new(), first, |content| {
            let Some(place) = places.next() else {
                return false;
            };
            if let Some(Content::Packed(packed)) = content {
                *place = Some(packed);
            }
            true
        });
        run
    }
}

/// The slots whose pages are packed, of those that were looked up.
pub(super) fn packed_of(
    first: Slot,
    run: &[Option<Packed>],
) -> impl Iterator<Item = (Slot, Packed)> + '_ {
    (0..AT_ONCE)
        .zip(run)
        .filter_map(move |(distance, packed)| Some((first.checked_add(distance)?, (*packed)?)))
}
