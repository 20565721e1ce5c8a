// SPDX-License-Identifier: GPL-2.0-only

//! Segments that sequential readers have read recently: the next pages are in them.

use crate::engine::segment::Segment;
use crate::glue::bounce::Bounce;
use core::ops::Range;
use core::sync::atomic::{AtomicU32, Ordering};
use kernel::prelude::*;
use kernel::sync::{new_spinlock, Arc, SpinLock};

/// How many segments of a disk are kept: 1 MiB at most.
const SEGMENTS: usize = 32;

/// Some slots of a segment and their contents.
#[derive(Clone)]
pub(crate) struct Slots {
    /// Their contents, one after the other.
    pub(crate) bounce: Arc<Bounce<'static>>,
    /// Which slots of the segment these are.
    pub(crate) slots: Range<usize>,
}

/// What is kept of a segment.
#[derive(Clone)]
pub(crate) enum Recently {
    /// It is being read.
    Coming,
    /// It was read.
    Read(Slots),
}

/// A segment that is kept.
struct Kept {
    segment: Segment,
    what: Recently,
    /// When it was last used, as a number that counts up.
    used: u32,
}

impl Kept {
    fn is_coming(&self) -> bool {
        matches!(self.what, Recently::Coming)
    }
}

/// The segments of a disk that are kept.
///
/// A segment is [forgotten](Self::forget) before it is freed, so what is kept matches the disk for a
/// task that is counted in the segment. No lock is taken under this one.
pub(super) struct Recent {
    /// A place for each segment that can be kept.
    kept: Pin<KBox<SpinLock<KVec<Option<Kept>>>>>,
    count: AtomicU32,
    clock: AtomicU32,
}

impl Recent {
    /// No segments. May sleep.
    #[inline(never)]
    pub(super) fn new() -> Result<Self> {
        let mut none = KVec::with_capacity(SEGMENTS, GFP_KERNEL)?;
        for _ in 0..SEGMENTS {
            none.push(None, GFP_KERNEL)?;
        }
        Ok(Self {
            kept: KBox::pin_init(new_spinlock!(none, "vswap_recent"), GFP_KERNEL)?,
            count: AtomicU32::new(0),
            clock: AtomicU32::new(0),
        })
    }

    fn now(&self) -> u32 {
        self.clock.fetch_add(1, Ordering::Relaxed)
    }

    /// What is kept of a segment in which the caller is counted. Does not sleep.
    pub(super) fn get(&self, segment: Segment) -> Option<Recently> {
        if self.count.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let now = self.now();
        let mut kept = self.kept.lock();
        let mut all = kept.iter_mut().flatten();
        let found = all.find(|kept| kept.segment == segment)?;
        found.used = now;
        Some(found.what.clone())
    }

    /// Notes that a segment is being read. The caller stays counted in it until it [keeps](Self::keep)
    /// it or [gives up](Self::give_up). `false`: another task reads it, or there is no place. Does not
    /// sleep.
    pub(super) fn expect(&self, segment: Segment) -> bool {
        let now = self.now();
        let mut kept = self.kept.lock();
        let is_it = |kept: &Kept| kept.segment == segment && kept.is_coming();
        if kept.iter().flatten().any(is_it) {
            return false;
        }
        let new = Kept {
            segment,
            what: Recently::Coming,
            used: now,
        };
        let old = self.replace(&mut kept, new);
        drop(kept);
        old.is_ok()
    }

    /// Keeps slots of a segment in which the caller is counted, in place of the least recently used
    /// ones. Does not sleep.
    pub(super) fn keep(&self, segment: Segment, slots: Slots) {
        let new = Kept {
            segment,
            what: Recently::Read(slots),
            used: self.now(),
        };
        let mut kept = self.kept.lock();
        let old = self.replace(&mut kept, new);
        drop(kept);
        drop(old);
    }

    /// Replaces what is kept of the same segment, or else the least recently used one. Returns what was
    /// there, or the new one if all places belong to segments that are being read.
    fn replace(&self, kept: &mut [Option<Kept>], new: Kept) -> Result<Option<Kept>, Kept> {
        let age = |place: &Option<Kept>| match place {
            Some(kept) if kept.segment == new.segment => u32::MAX,
            Some(kept) if kept.is_coming() => 0,
            Some(kept) => new.used.wrapping_sub(kept.used).clamp(1, u32::MAX - 2),
            None => u32::MAX - 1,
        };
        let Some(place) = kept.iter_mut().max_by_key(|place| age(place)) else {
            return Err(new);
        };
        if age(place) == 0 {
            return Err(new);
        }
        let old = place.replace(new);
        let count = kept
            .iter()
            .flatten()
            .fold(0, |sum: u32, _| sum.wrapping_add(1));
        self.count.store(count, Ordering::Relaxed);
        Ok(old)
    }

    /// Ends the wait for a segment that could not be read. Does not sleep.
    pub(super) fn give_up(&self, segment: Segment) {
        let mut kept = self.kept.lock();
        let is_it = |place: &&mut Option<Kept>| {
            let kept = place.as_ref();
            kept.is_some_and(|kept| kept.segment == segment && kept.is_coming())
        };
        let _ = kept.iter_mut().find(is_it).and_then(Option::take);
    }

    /// A segment is about to be freed. Does not sleep.
    pub(super) fn forget(&self, segment: Segment) {
        // The task that kept it has left it before.
        if self.count.load(Ordering::Relaxed) == 0 {
            return;
        }
        let mut kept = self.kept.lock();
        let is_it = |place: &&mut Option<Kept>| {
            let kept = place.as_ref();
            kept.is_some_and(|kept| kept.segment == segment)
        };
        let old = kept.iter_mut().find(is_it).and_then(Option::take);
        drop(kept);
        drop(old);
    }
}
