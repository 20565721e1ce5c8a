// SPDX-License-Identifier: GPL-2.0-only

//! Some bios that end together, and what of them failed.

use super::bindings;
use super::raw_call::RawCall;
use super::reserves::{Pools, Reserves};
use super::srcu::Section;
use super::swap_area;
use super::target::Target;
use super::thread::NoReclaim;
use crate::engine::entry::{DiskNumber, Place, MAX_DISKS};
use crate::engine::slot::PhysicalSlot;
use crate::engine::traffic::Direction;
use core::cell::UnsafeCell;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use kernel::ffi::c_void;
use kernel::prelude::*;

/// Failed extents that a request can tell apart. Of others it knows the disk.
const EXTENTS: usize = 8;

/// Consecutive slots of a disk that could not be written or read.
pub(super) struct Extent<T> {
    pub(super) number: DiskNumber,
    pub(super) disk: NonNull<T>,
    pub(super) first: PhysicalSlot,
    pub(super) count: u32,
    /// Whether it failed for what the slots are, and they are not to be used again.
    pub(super) is_bad: bool,
    /// Keeps the bay entered.
    pub(super) section: Section,
}

impl<T> Extent<T> {
    /// Whether a page that lies there is one of them.
    fn has(&self, place: Place) -> bool {
        let past = place.slot.number().checked_sub(self.first.number());
        place.disk == self.number && past.is_some_and(|past| past < self.count)
    }
}

/// Some bios that end together.
#[repr(C)]
pub(super) struct Request<T: Target> {
    // First, so that a pointer to it is one to the whole.
    pub(super) work: kernel::bindings::work_struct,
    pub(super) done: kernel::bindings::completion,
    pub(super) reserves: NonNull<Pools>,
    /// Bios under way, and one for who still adds some.
    pub(super) remaining: AtomicU32,
    /// Extents that failed, also those that found no place below.
    failed: AtomicU32,
    extents: [UnsafeCell<Option<Extent<T>>>; EXTENTS],
    /// Disks that have failed extents which found no place above.
    beyond: [Beyond; MAX_DISKS],
    /// Whom to tell; nobody when somebody waits.
    pub(super) call: UnsafeCell<Option<Pending<T>>>,
}

impl<T: Target> Request<T> {
    /// A request without pages, with a count for who adds some. May sleep, but not for memory to be
    /// reclaimed.
    // Out of line: what a request begins as is not to be in the caller's frame.
    #[inline(never)]
    pub(super) fn alloc(reserves: &Reserves) -> NonNull<Self> {
        // SAFETY: the pool is one for requests, as those are the only ones there are.
        let request = unsafe { bindings::vswap_request_alloc(reserves.pools().io()) };
        let request: *mut Self = request.cast();
        // SAFETY: it is memory for a request that nobody else uses; the pool waits until there
        // is some. All fields are written.
        unsafe {
            bindings::vswap_request_init(
                &raw mut (*request).work,
                &raw mut (*request).done,
                Some(repair::<T>),
            );
            (&raw mut (*request).reserves).write(NonNull::from(reserves.pools()));
            (&raw mut (*request).remaining).write(AtomicU32::new(1));
            (&raw mut (*request).failed).write(AtomicU32::new(0));
            (&raw mut (*request).extents).write([const { UnsafeCell::new(None) }; EXTENTS]);
            (&raw mut (*request).beyond).write([const { Beyond::new() }; MAX_DISKS]);
            (&raw mut (*request).call).write(UnsafeCell::new(None));
            NonNull::new_unchecked(request)
        }
    }

    /// Notes an extent as one that failed.
    pub(super) fn note(&self, extent: Extent<T>) {
        let place = self.failed.fetch_add(1, Ordering::Relaxed);
        let place = usize::try_from(place).ok();
        // Each has a place of its own, as far as there are some.
        if let Some(place) = place.and_then(|place| self.extents.get(place)) {
            // SAFETY: nobody else has got that place, and nobody looks before the request ends.
            unsafe { *place.get() = Some(extent) };
        } else if let Some(beyond) = self.beyond.get(extent.number.index()) {
            beyond.note(extent);
        }
    }
}

/// Whether a disk has failed extents that can't be told apart, and what keeps its bay entered
/// then: as long as entries speak of what was not written, who empties the disk waits.
struct Beyond {
    is: AtomicBool,
    section: UnsafeCell<Option<Section>>,
}

impl Beyond {
    const fn new() -> Self {
        Self {
            is: AtomicBool::new(false),
            section: UnsafeCell::new(None),
        }
    }

    fn note<T>(&self, extent: Extent<T>) {
        if !self.is.swap(true, Ordering::Relaxed) {
            // SAFETY: nobody else was the first, and nobody looks before the request ends.
            unsafe { *self.section.get() = Some(extent.section) };
        }
    }
}

/// A call that its request completes.
pub(super) struct Pending<T: Target> {
    pub(super) call: RawCall,
    pub(super) direction: Direction,
    pub(super) result: Result,
    pub(super) repair: Repair<T>,
}

/// Who repairs a call of whose writes some failed, and is then the one to complete it: what to
/// call, and what with besides.
pub(super) struct Repair<T: Target> {
    pub(super) device: NonNull<c_void>,
    pub(super) call: unsafe fn(NonNull<c_void>, RawCall, Result, Failed<T>),
}

/// What could not be transferred, of a request that has ended.
///
/// # Invariants
///
/// The request has ended and is this value's own.
pub(crate) struct Failed<T: Target>(NonNull<Request<T>>);

// SAFETY: the request is this value's own, and may be given back by any thread.
unsafe impl<T: Target> Send for Failed<T> {}

impl<T: Target> Failed<T> {
    /// What failed of a request.
    ///
    /// # Safety
    ///
    /// The request has ended, and is the caller's to give away.
    pub(super) unsafe fn new(request: NonNull<Request<T>>) -> Self {
        // INVARIANT: as this function requires.
        Self(request)
    }

    fn request(&self) -> &Request<T> {
        // SAFETY: by the invariant.
        unsafe { self.0.as_ref() }
    }

    /// Whether all pages were transferred.
    pub(crate) fn is_none(&self) -> bool {
        self.request().failed.load(Ordering::Relaxed) == 0
    }

    /// Whether that disk is one of those that failed.
    pub(crate) fn is_of(&self, disk: DiskNumber) -> bool {
        self.is_beyond(disk) || self.extents().any(|extent| extent.number == disk)
    }

    /// Whether the failed extents of that disk are too many to be told apart.
    fn is_beyond(&self, disk: DiskNumber) -> bool {
        let beyond = self.request().beyond.get(disk.index());
        beyond.is_some_and(|beyond| beyond.is.load(Ordering::Relaxed))
    }

    fn extents(&self) -> impl Iterator<Item = &Extent<T>> {
        // SAFETY: the request has ended, so nobody writes there.
        let extents = self.request().extents.iter().map(|e| unsafe { &*e.get() });
        extents.flatten()
    }

    /// Whether a page that lies there was not transferred, as far as can be told: where too many
    /// of a disk failed, it may have been.
    pub(crate) fn has(&self, place: Place) -> bool {
        self.is_beyond(place.disk) || self.is_exactly(place)
    }

    /// Whether it is certain that a page that lies there was not transferred.
    pub(crate) fn is_exactly(&self, place: Place) -> bool {
        self.extents().any(|extent| extent.has(place))
    }

    /// Whether it is certain that a page that lies there was not transferred, and its slot is why.
    pub(crate) fn is_bad(&self, place: Place) -> bool {
        self.extents()
            .any(|extent| extent.is_bad && extent.has(place))
    }
}

impl<T: Target> Drop for Failed<T> {
    fn drop(&mut self) {
        // SAFETY: the request is this value's own, and nobody uses it any more.
        unsafe { free(self.0) }
    }
}

/// Gives a request back.
///
/// # Safety
///
/// It has ended and nobody uses it any more.
unsafe fn free<T: Target>(request: NonNull<Request<T>>) {
    // SAFETY: as this function requires; it came from those reserves.
    unsafe {
        let reserves = request.as_ref().reserves;
        ptr::drop_in_place(&raw mut (*request.as_ptr()).extents);
        ptr::drop_in_place(&raw mut (*request.as_ptr()).beyond);
        bindings::vswap_request_free(reserves.as_ref().io(), request.as_ptr().cast());
    }
}

/// A request has ended.
///
/// # Safety
///
/// Nothing of it is under way, and this is called once, in any context.
pub(super) unsafe fn end<T: Target>(request: NonNull<Request<T>>) {
    // SAFETY: as this function requires, nobody else changes the request now; who waits for it
    // has it from `complete_all` on.
    unsafe {
        let Some(pending) = &*request.as_ref().call.get() else {
            kernel::bindings::complete_all(&raw mut (*request.as_ptr()).done);
            return;
        };
        let failed = request.as_ref().failed.load(Ordering::Relaxed) != 0;
        if pending.direction == Direction::Write && (failed || pending.result.is_err()) {
            bindings::vswap_request_queue(
                request.as_ref().reserves.as_ref().io(),
                &raw mut (*request.as_ptr()).work,
            );
            return;
        }
        let result = if failed { Err(EIO) } else { pending.result };
        let call = pending.call;
        if pending.direction == Direction::Read {
            swap_area::is_disk();
        }
        free(request);
        call.complete(result);
    }
}

/// Has a call repaired of whose writes some failed.
///
/// # Safety
///
/// Called by the work queue, for the work of a request.
unsafe extern "C" fn repair<T: Target>(work: *mut kernel::bindings::work_struct) {
    // SAFETY: the work is a request's first field, and the request has ended and is this
    // function's own. Who left the call to it said what to call.
    unsafe {
        let request = NonNull::new_unchecked(work.cast::<Request<T>>());
        let failed = Failed(request);
        let _scope = NoReclaim::new();
        if let Some(pending) = (*request.as_ref().call.get()).take() {
            let Repair { device, call } = pending.repair;
            call(device, pending.call, pending.result, failed);
        }
    }
}
