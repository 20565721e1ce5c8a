// SPDX-License-Identifier: GPL-2.0-only

//! Bios that end together, and what failed of them.

use super::platform::Kernel;
use super::reserves::{Pools, Reserves};
use super::srcu::Section;
use super::swap_ops::RawCall;
use super::target::Target;
use super::thread::NoReclaim;
use super::{bindings, swap_area};
use crate::engine::bay::Entered;
use crate::engine::failed::{self, FailedExtents};
use crate::engine::traffic::Direction;
use core::cell::UnsafeCell;
use core::ops::Deref;
use core::ptr::{self, NonNull};
use core::sync::atomic::AtomicU32;
use kernel::ffi::c_void;
use kernel::prelude::*;

/// A disk that is kept, because its bay stays entered.
///
/// # Invariants
///
/// The section belongs to the bay in which the disk was found.
pub(crate) struct Kept<T> {
    disk: NonNull<T>,
    _section: Section,
}

impl<T: Target> Kept<T> {
    /// A disk whose bay is entered.
    pub(super) fn new(entered: &Entered<'_, Kernel, T>) -> Self {
        // INVARIANT: just entered once more.
        Self {
            disk: NonNull::from(entered.disk()),
            _section: entered.section(),
        }
    }

    /// The disk.
    #[inline]
    pub(super) fn disk(&self) -> &T {
        // SAFETY: by the invariant the disk stays until the section is over.
        unsafe { self.disk.as_ref() }
    }
}

/// Slots of a disk, which is kept meanwhile.
pub(super) type Extent<T> = failed::Extent<Kept<T>>;

/// Bios that end together.
#[repr(C)]
pub(super) struct Request<T: Target> {
    // First, so that a pointer to it is one to the whole.
    pub(super) work: kernel::bindings::work_struct,
    pub(super) done: kernel::bindings::completion,
    pub(super) reserves: NonNull<Pools>,
    /// Bios under way, and one for the task that still adds some.
    pub(super) remaining: AtomicU32,
    /// What could not be transferred.
    failed: FailedExtents<Kernel, Kept<T>>,
    /// The call to complete; none if a task waits.
    pub(super) call: UnsafeCell<Option<Pending<T>>>,
}

impl<T: Target> Request<T> {
    /// A request without pages, with a count for the task that adds some. May sleep, but not until
    /// memory is reclaimed.
    // Out of line, to keep the request's initial value out of the caller's frame.
    #[inline(never)]
    pub(super) fn alloc(reserves: &Reserves) -> NonNull<Self> {
        // SAFETY: the pool is one for requests, as there are no others.
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
            (&raw mut (*request).failed).write(FailedExtents::default());
            (&raw mut (*request).call).write(UnsafeCell::new(None));
            NonNull::new_unchecked(request)
        }
    }

    /// Records an extent as failed.
    pub(super) fn note(&self, extent: Extent<T>) {
        self.failed.note(extent);
    }
}

/// A call that its request completes.
pub(super) struct Pending<T: Target> {
    pub(super) call: RawCall,
    pub(super) direction: Direction,
    pub(super) result: Result,
    pub(super) repair: Repair<T>,
}

/// The repair of a call some of whose writes failed, which then completes the call: the function
/// to call, and its argument.
pub(super) struct Repair<T: Target> {
    pub(super) device: NonNull<c_void>,
    pub(super) call: unsafe fn(NonNull<c_void>, RawCall, Result, Failed<T>),
}

/// What a request that has ended could not transfer.
///
/// # Invariants
///
/// The request has ended and belongs to this value.
pub(crate) struct Failed<T: Target>(NonNull<Request<T>>);

// SAFETY: the request is this value's own, and may be freed by any thread.
unsafe impl<T: Target> Send for Failed<T> {}

impl<T: Target> Failed<T> {
    /// The failures of a request.
    ///
    /// # Safety
    ///
    /// The request has ended, and is the caller's to pass on.
    pub(super) unsafe fn new(request: NonNull<Request<T>>) -> Self {
        // INVARIANT: as this function requires.
        Self(request)
    }
}

impl<T: Target> Deref for Failed<T> {
    type Target = FailedExtents<Kernel, Kept<T>>;

    #[inline]
    fn deref(&self) -> &Self::Target {
        // SAFETY: by the invariant.
        unsafe { &self.0.as_ref().failed }
    }
}

impl<T: Target> Drop for Failed<T> {
    fn drop(&mut self) {
        // SAFETY: the request is this value's own, and nobody uses it any more.
        unsafe { free(self.0) }
    }
}

/// Frees a request.
///
/// # Safety
///
/// It has ended and nobody uses it any more.
unsafe fn free<T: Target>(request: NonNull<Request<T>>) {
    // SAFETY: as this function requires; it came from those reserves.
    unsafe {
        let reserves = request.as_ref().reserves;
        ptr::drop_in_place(&raw mut (*request.as_ptr()).failed);
        bindings::vswap_request_free(reserves.as_ref().io(), request.as_ptr().cast());
    }
}

/// A request has ended.
///
/// # Safety
///
/// Nothing of it is under way, and this is called once, in any context.
pub(super) unsafe fn end<T: Target>(request: NonNull<Request<T>>) {
    // SAFETY: as this function requires, nobody else changes the request now; a task that waits
    // for it owns it from `complete_all` on.
    unsafe {
        let Some(pending) = &*request.as_ref().call.get() else {
            kernel::bindings::complete_all(&raw mut (*request.as_ptr()).done);
            return;
        };
        let failed = !request.as_ref().failed.is_none();
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
            swap_area::page_read_from_disk();
        }
        free(request);
        call.complete(result);
    }
}

/// Repairs a call some of whose writes failed.
///
/// # Safety
///
/// Called by the work queue, for the work of a request.
unsafe extern "C" fn repair<T: Target>(work: *mut kernel::bindings::work_struct) {
    // SAFETY: the work is a request's first field, and the request has ended and belongs to this
    // function. The task that left the call to it set what to call.
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
