// SPDX-License-Identifier: GPL-2.0-only

//! A place that publishes a boxed object to readers under RCU, or in a section of SRCU.

use crate::engine::platform;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicPtr, Ordering};
use kernel::prelude::*;

/// The place.
///
/// # Invariants
///
/// The pointer is null, or to an object from a `KBox`.
pub(crate) struct Published<D>(AtomicPtr<D>);

/// An object that was taken out.
///
/// # Invariants
///
/// It came from a `KBox`, and belongs to this value, except for those who still see it.
pub(crate) struct Taken<D>(NonNull<D>);

// SAFETY: an object can be sent as its box could.
unsafe impl<D: Send> Send for Taken<D> {}

impl<D: Send + Sync + 'static> platform::Published<D> for Published<D> {
    type Owner = KBox<D>;
    type Taken = Taken<D>;
    type Seen<'a> = &'a D;

    fn empty() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    #[inline]
    fn is_empty(&self) -> bool {
        self.0.load(Ordering::Relaxed).is_null()
    }

    #[inline]
    fn see(&self) -> Option<&D> {
        // SAFETY: by the invariant it is an object; as the trait says, whoever has taken it out waits
        // for the caller before reclaiming it.
        unsafe { self.0.load(Ordering::Acquire).as_ref() }
    }

    fn swap(&self, new: Option<KBox<D>>) -> Option<Taken<D>> {
        // INVARIANT: it is from a `KBox`.
        let new = new.map_or(ptr::null_mut(), KBox::into_raw);
        // INVARIANT: so is the old one, which was taken out here.
        NonNull::new(self.0.swap(new, Ordering::AcqRel)).map(Taken)
    }

    fn reclaim(taken: Taken<D>) -> KBox<D> {
        // SAFETY: by the invariant it came from a `KBox`, once; as the trait says, all who had seen
        // it have left.
        unsafe { KBox::from_raw(taken.0.as_ptr()) }
    }
}
