// SPDX-License-Identifier: GPL-2.0-only

//! Segments that were read lately by who reads in order: the next pages are in them.

use crate::engine::segment::Segment;
use crate::glue::bounce::Bounce;
use core::ops::Range;
use core::sync::atomic::{AtomicU32, Ordering};
use kernel::prelude::*;
use kernel::sync::{new_spinlock, Arc, SpinLock};

/// How many segments are kept of a disk: 512 KiB at most.
const SEGMENTS: usize = 16;

/// Slots of a segment, by their place in it, and what they hold.
#[derive(Clone)]
pub(crate) struct Slots {
    /// What they hold, one behind the other.
    pub(crate) bounce: Arc<Bounce<'static>>,
    /// Which they are.
    pub(crate) slots: Range<usize>,
}

/// A segment that is kept.
struct Kept {
    segment: Segment,
    slots: Slots,
    /// When it was used last, as a number that counts up.
    used: u32,
}

/// The segments of a disk that are kept.
///
/// What is kept of a segment is what it holds, as it is [forgotten](Self::forget) before the segment is
/// freed; for who is counted in the segment it stays so. Nothing is locked inside.
pub(super) struct Recent {
    /// A place for each that can be kept.
    kept: Pin<KBox<SpinLock<KVec<Option<Kept>>>>>,
    count: AtomicU32,
    clock: AtomicU32,
}

impl Recent {
    /// None. May sleep.
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
    pub(super) fn get(&self, segment: Segment) -> Option<Slots> {
        if self.count.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let now = self.now();
        let mut kept = self.kept.lock();
        let mut all = kept.iter_mut().flatten();
        let found = all.find(|kept| kept.segment == segment)?;
        found.used = now;
        Some(found.slots.clone())
    }

    /// Keeps slots of a segment in which the caller is counted, in place of those that were used least
    /// lately. Does not sleep.
    pub(super) fn keep(&self, segment: Segment, slots: Slots) {
        let now = self.now();
        let new = Kept {
            segment,
            slots,
            used: now,
        };
        let mut kept = self.kept.lock();
        let age = |place: &Option<Kept>| match place {
            Some(kept) if kept.segment == segment => u32::MAX,
            Some(kept) => now.wrapping_sub(kept.used),
            None => u32::MAX - 1,
        };
        let place = kept.iter_mut().max_by_key(|place| age(place));
        let old = place.and_then(|place| place.replace(new));
        let count = kept
            .iter()
            .flatten()
            .fold(0, |sum: u32, _| sum.wrapping_add(1));
        self.count.store(count, Ordering::Relaxed);
        drop(kept);
        drop(old);
    }

    /// A segment is about to be freed. Does not sleep.
    pub(super) fn forget(&self, segment: Segment) {
        // Who has kept it has left it before.
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
