// SPDX-License-Identifier: GPL-2.0-only

//! A disk's segments: which ones are in use, and how many objects they have.

use super::recent::Recent;
use crate::engine::allocator::SegmentCursor;
use crate::engine::counters;
use crate::engine::entry::Packed;
use crate::engine::entry::UNIT;
use crate::engine::segment::{Live, Segment, MAX_OBJECTS, SEGMENT_BYTES, SEGMENT_SLOTS};
use crate::engine::slot::PhysicalSlot;
use crate::glue::cpu::{PerCpu, Pinned};
use crate::glue::memory;
use core::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use kernel::prelude::*;
use kernel::sync::{new_spinlock, SpinLock};

/// The most slots that can be marked to be retired when their segment is freed.
const WORN: usize = 64;

/// How many segments are reserved for the cleaner.
const SPARES: usize = 2;

/// A disk that is more than half full is cleaned when this part of its segments' bytes is holes. The
/// second part applies when less than the third part of the disk is free.
const HOLES: u64 = 4;
const HOLES_WHEN_SHORT: u64 = 16;
const SHORT: u64 = 8;

/// The segments of a disk on which pages stay compressed: one byte for each.
pub(crate) struct Packing {
    live: KVVec<Live>,
    /// Where the next segment is claimed. The lock is before the free list's lock in the lock order.
    pub(super) cursor: Pin<KBox<SpinLock<SegmentCursor>>>,
    /// Slots that could not be written, of segments in use. No lock is taken under this one.
    worn: Pin<KBox<SpinLock<KVec<PhysicalSlot>>>>,
    any_worn: AtomicBool,
    /// Claimed segments that only the cleaner uses. With them a full disk can be cleaned as well.
    spare: Pin<KBox<SpinLock<KVec<Segment>>>>,
    spares: AtomicUsize,
    /// What was read of some segments.
    pub(super) recent: Recent,
    segments: AtomicU32,
    /// Bytes of the objects that were written from elsewhere, and of all segments that were written.
    stored: AtomicU64,
    written: AtomicU64,
    objects: PerCpu<Objects>,
}

/// One CPU's part of the number of objects and of their bytes. The alignment keeps other CPUs off its
/// cache line.
#[derive(Default)]
#[repr(align(64))]
struct Objects {
    count: AtomicI64,
    bytes: AtomicI64,
}

/// How much is packed on a disk.
#[derive(Clone, Copy, Default)]
pub(crate) struct Packs {
    /// Pages.
    pub(crate) pages: u64,
    /// Bytes of their objects.
    pub(crate) bytes: u64,
    /// Bytes of the segments that hold them.
    pub(crate) segment_bytes: u64,
    /// Bytes of the objects that were written since the disk was added, but for those that were moved
    /// within it.
    pub(crate) stored: u64,
    /// Bytes of the segments that were written since then. Divided by `stored`, that is the write
    /// amplification.
    pub(crate) written: u64,
}

impl Packing {
    /// The segments of a disk with that many slots, none in use. May sleep.
    #[inline(never)]
    pub(super) fn new(slots: u32) -> Result<KBox<Self>> {
        let last = Segment::of(PhysicalSlot::new(slots)).index();
        let worn = KVec::with_capacity(WORN, GFP_KERNEL)?;
        let spare = KVec::with_capacity(SPARES, GFP_KERNEL)?;
        let cursor = new_spinlock!(SegmentCursor::default(), "vswap_segments");
        let packing = Self {
            live: memory::defaults(last.saturating_add(1))?,
            cursor: KBox::pin_init(cursor, GFP_KERNEL)?,
            worn: KBox::pin_init(new_spinlock!(worn, "vswap_worn"), GFP_KERNEL)?,
            any_worn: AtomicBool::new(false),
            spare: KBox::pin_init(new_spinlock!(spare, "vswap_spare"), GFP_KERNEL)?,
            spares: AtomicUsize::new(0),
            recent: Recent::new()?,
            segments: AtomicU32::new(0),
            stored: AtomicU64::new(0),
            written: AtomicU64::new(0),
            objects: PerCpu::new()?,
        };
        Ok(KBox::new(packing, GFP_KERNEL)?)
    }

    /// The count of a segment.
    pub(super) fn live(&self, segment: Segment) -> Option<&Live> {
        self.live.get(segment.index())
    }

    /// Whether the cleaner has enough spare segments.
    pub(super) fn has_spare(&self) -> bool {
        self.spares.load(Ordering::Relaxed) >= SPARES
    }

    /// Keeps a claimed segment as a spare one. `false`: there are enough.
    pub(super) fn keep_spare(&self, segment: Segment) -> bool {
        if self.has_spare() {
            return false;
        }
        let mut spare = self.spare.lock();
        let is_kept = spare.push_within_capacity(segment).is_ok();
        self.spares.store(spare.len(), Ordering::Relaxed);
        is_kept
    }

    /// Takes a spare segment for the cleaner.
    pub(super) fn take_spare(&self) -> Option<Segment> {
        let mut spare = self.spare.lock();
        let taken = spare.pop();
        self.spares.store(spare.len(), Ordering::Relaxed);
        taken
    }

    /// The slots of the spare segments.
    pub(super) fn spare_slots(&self) -> u64 {
        let spares = self.spares.load(Ordering::Relaxed);
        u64::try_from(spares.saturating_mul(SEGMENT_SLOTS)).unwrap_or(u64::MAX)
    }

    /// Whether so many of the segments' bytes are holes that cleaning is worth it, on a disk with `used`
    /// bytes of `size` in use.
    pub(crate) fn has_holes(&self, used: u64, size: u64) -> bool {
        let Packs {
            pages,
            bytes,
            segment_bytes,
            ..
        } = self.packs();
        let headers = pages.saturating_mul(const { UNIT as u64 });
        let holes = segment_bytes.saturating_sub(bytes).saturating_sub(headers);
        let part = if size.saturating_sub(used) < size / SHORT {
            HOLES_WHEN_SHORT
        } else {
            HOLES
        };
        used > size / 2 && holes > segment_bytes.checked_div(part).unwrap_or(0)
    }

    /// The most objects of a segment that are worth moving elsewhere: three quarters of a full
    /// segment's.
    pub(crate) fn most_objects(&self) -> usize {
        let Packs { pages, bytes, .. } = self.packs();
        let each = bytes.checked_div(pages).unwrap_or(0).max(1);
        let full = (SEGMENT_BYTES as u64).checked_div(each).unwrap_or(0);
        usize::try_from(full.saturating_mul(3) / 4).unwrap_or(0)
    }

    /// How many segments have each number of objects.
    pub(crate) fn count_each(&self, counts: &mut [u32]) {
        counts.fill(0);
        for live in &self.live {
            if let Some(count) = counts.get_mut(live.count()) {
                *count = count.saturating_add(1);
            }
        }
    }

    /// The first segment, from that number on, with at least one object and at most `most`.
    pub(crate) fn first_of(&self, from: usize, most: usize) -> Option<Segment> {
        let live = self.live.get(from..)?;
        let past = live
            .iter()
            .position(|live| (1..=most.min(MAX_OBJECTS)).contains(&live.count()))?;
        Segment::new(u32::try_from(from.checked_add(past)?).ok()?)
    }

    /// The caller has claimed a segment.
    pub(super) fn claimed(&self, segment: Segment) {
        if let Some(live) = self.live(segment) {
            live.begin();
        }
        self.segments.fetch_add(1, Ordering::Relaxed);
    }

    /// A segment is about to be freed.
    pub(super) fn freed(&self) {
        self.segments.fetch_sub(1, Ordering::Relaxed);
    }

    /// Counts an object that came (`by` 1) or went (-1).
    #[inline]
    pub(super) fn count(&self, cpu: &Pinned, packed: Packed, by: i64) {
        if let Some(objects) = self.objects.local(cpu) {
            let bytes = counters::number(packed.length.bytes());
            counters::add(&objects.count, by);
            counters::add(&objects.bytes, bytes.wrapping_mul(by));
        }
    }

    /// How much is packed.
    pub(crate) fn packs(&self) -> Packs {
        let sum = |of: fn(&Objects) -> &AtomicI64| {
            let parts = self.objects.iter().map(|o| of(o).load(Ordering::Relaxed));
            let sum = parts.fold(0i64, i64::wrapping_add);
            u64::try_from(sum).unwrap_or(0)
        };
        let segments = u64::from(self.segments.load(Ordering::Relaxed));
        Packs {
            pages: sum(|objects| &objects.count),
            bytes: sum(|objects| &objects.bytes),
            segment_bytes: segments.saturating_mul(const { SEGMENT_BYTES as u64 }),
            stored: self.stored.load(Ordering::Relaxed),
            written: self.written.load(Ordering::Relaxed),
        }
    }

    /// A segment was written with so many bytes of objects from elsewhere.
    pub(super) fn wrote(&self, stored: u64) {
        let bytes = const { SEGMENT_BYTES as u64 };
        self.stored.fetch_add(stored, Ordering::Relaxed);
        self.written.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Marks a slot to be retired when its segment is freed. If there is no room for the mark, the slot
    /// is used again and fails again.
    pub(super) fn note_worn(&self, slot: PhysicalSlot) {
        let _ = self.worn.lock().push_within_capacity(slot);
        self.any_worn.store(true, Ordering::Release);
    }

    /// Returns and forgets the slots of a segment that are to be retired, one bit each.
    pub(super) fn take_worn(&self, segment: Segment) -> u8 {
        if !self.any_worn.load(Ordering::Acquire) {
            return 0;
        }
        let mut worn = self.worn.lock();
        let (mut taken, mut index) = (0, 0);
        while let Some(slot) = worn.get(index).copied() {
            if Segment::of(slot) == segment {
                taken |= bit(slot);
                let _ = worn.remove(index);
            } else {
                index = index.saturating_add(1);
            }
        }
        taken
    }

    /// Bytes of the table that says which segments are in use.
    pub(super) fn metadata_bytes(&self) -> usize {
        self.live.len()
    }
}

/// The bit of a slot in its segment.
pub(super) fn bit(slot: PhysicalSlot) -> u8 {
    let index = u32::try_from(Segment::index_of(slot)).unwrap_or(0);
    1u8.wrapping_shl(index)
}
