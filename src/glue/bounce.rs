// SPDX-License-Identifier: GPL-2.0-only

//! Buffers for data that is not read straight into its page. The pages of one are contiguous, so an
//! object that spans two of them is in one piece.
//!
//! C headers: `include/linux/mempool.h`, `include/linux/gfp.h`

use super::bindings;
use super::memory::Pages;
use crate::engine::page::{Page, PAGE_SIZE};
use core::ptr::NonNull;
use kernel::prelude::*;

/// Pairs that are available when there is no memory: 256 KiB.
const RESERVE: u32 = 32;

/// A reserve of pairs of pages. Dropping it does not wait: whoever has pages of it borrows it.
///
/// # Invariants
///
/// The pointer is to a reserve, owned by this value.
pub(crate) struct Pairs(NonNull<kernel::bindings::mempool>);

// SAFETY: a reserve may be used from any thread.
unsafe impl Send for Pairs {}
// SAFETY: as above.
unsafe impl Sync for Pairs {}

/// Contiguous pages, whose contents are arbitrary before something was read into
/// them.
///
/// # Invariants
///
/// The pointer is to that many initialized pages, owned by this value, from the reserve if there is
/// one.
pub(crate) struct Bounce<'a> {
    start: NonNull<Page>,
    pages: usize,
    reserve: Option<&'a Pairs>,
}

// SAFETY: it is plain memory, which this value owns.
unsafe impl Send for Bounce<'_> {}
// SAFETY: through a shared reference it is only read.
unsafe impl Sync for Bounce<'_> {}

impl Pairs {
    /// Allocates a reserve. May sleep.
    pub(crate) fn new() -> Result<Self> {
        // SAFETY: no requirements.
        let pool = unsafe { bindings::vswap_pairs_new(RESERVE) };
        // INVARIANT: just made.
        NonNull::new(pool).map(Self).ok_or(ENOMEM)
    }

    /// One or two pages. May sleep until others are freed, but not until I/O reclaims
    /// memory.
    pub(crate) fn pair(&self) -> Result<Bounce<'_>> {
        // SAFETY: the reserve is one by the invariant.
        let start = unsafe { bindings::vswap_pair_alloc(self.0.as_ptr()) };
        // INVARIANT: just allocated, zeroed when it came to the reserve, and any bytes are a page.
        Ok(Bounce {
            start: NonNull::new(start.cast()).ok_or(ENOMEM)?,
            pages: 2,
            reserve: Some(self),
        })
    }
}

impl Bounce<'static> {
    /// `pages` pages, if they can be had at once.
    pub(crate) fn try_new(pages: usize) -> Option<Self> {
        let bytes = pages.checked_mul(PAGE_SIZE)?;
        // SAFETY: no requirements.
        let start = unsafe { bindings::vswap_span_alloc(bytes) };
        // INVARIANT: just allocated and zeroed.
        Some(Self {
            start: NonNull::new(start.cast())?,
            pages,
            reserve: None,
        })
    }
}

impl Drop for Pairs {
    fn drop(&mut self) {
        // SAFETY: the reserve is this value's by the invariant; whoever has pages of it borrows it.
        unsafe { kernel::bindings::mempool_destroy(self.0.as_ptr()) }
    }
}

impl Bounce<'_> {
    /// Its bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        let bytes = self.pages.wrapping_mul(PAGE_SIZE);
        // SAFETY: by the invariant there are that many, which are borrowed as this is.
        unsafe { core::slice::from_raw_parts(self.start.as_ptr().cast(), bytes) }
    }
}

// SAFETY: by the invariant the pages are this value's, and stay where they are.
unsafe impl Pages for Bounce<'_> {
    fn pointer(&self, index: usize) -> Option<NonNull<Page>> {
        if index >= self.pages {
            return None;
        }
        // SAFETY: the page is within what was allocated.
        Some(unsafe { self.start.add(index) })
    }
}

/// Several of them, which are read together. Page numbers count through, `each` for every one.
pub(crate) struct Bounces<'a> {
    all: KVec<Bounce<'a>>,
    each: usize,
}

impl<'a> Bounces<'a> {
    /// None, with room for `count`, of up to `each` pages. Without memory there is room for none.
    pub(crate) fn with_room(count: usize, each: usize) -> Self {
        Self {
            all: KVec::with_capacity(count, GFP_NOWAIT).unwrap_or_default(),
            each,
        }
    }

    /// Adds one. Says whether there was room.
    pub(crate) fn push(&mut self, bounce: Bounce<'a>) -> bool {
        self.all.push_within_capacity(bounce).is_ok()
    }

    /// Takes the last one out.
    pub(crate) fn pop(&mut self) -> Option<Bounce<'a>> {
        self.all.pop()
    }
}

// SAFETY: each of them has its pages, which stay where they are.
unsafe impl Pages for Bounces<'_> {
    fn pointer(&self, index: usize) -> Option<NonNull<Page>> {
        let bounce = self.all.get(index.checked_div(self.each)?)?;
        bounce.pointer(index.checked_rem(self.each)?)
    }
}

impl Drop for Bounce<'_> {
    fn drop(&mut self) {
        let start = self.start.as_ptr().cast();
        // SAFETY: it is this value's by the invariant, and came from there.
        unsafe {
            match self.reserve {
                Some(pairs) => kernel::bindings::mempool_free(start, pairs.0.as_ptr()),
                None => {
                    let bytes = self.pages.wrapping_mul(PAGE_SIZE);
                    kernel::bindings::free_pages_exact(start, bytes);
                }
            }
        }
    }
}
