// SPDX-License-Identifier: GPL-2.0-only

//! A place that publishes an object.

use crate::cell::Life;
use crate::sync::{AtomicUsize, Ordering};
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use vswap_engine::platform::Published;

struct Lived<D> {
    value: D,
    life: Life,
}

/// An object that can be put into a place.
pub struct Owned<D>(NonNull<Lived<D>>);

/// An object that was taken out.
pub struct Taken<D>(NonNull<Lived<D>>);

/// An object that was seen.
pub struct Seen<'a, D>(&'a Lived<D>);

/// The place.
pub struct HostPublished<D>(AtomicUsize, std::marker::PhantomData<D>);

// SAFETY: an object can be sent as its box could.
unsafe impl<D: Send> Send for Owned<D> {}
// SAFETY: as above.
unsafe impl<D: Send> Send for Taken<D> {}

impl<D> From<D> for Owned<D> {
    fn from(value: D) -> Self {
        let object = Box::new(Lived {
            value,
            life: Life::new(),
        });
        Self(NonNull::new(Box::into_raw(object)).expect("a box"))
    }
}

impl<D> Deref for Owned<D> {
    type Target = D;

    fn deref(&self) -> &D {
        // SAFETY: it is this value's own.
        unsafe { &self.0.as_ref().value }
    }
}

impl<D> DerefMut for Owned<D> {
    fn deref_mut(&mut self) -> &mut D {
        // SAFETY: as above.
        unsafe { &mut self.0.as_mut().value }
    }
}

impl<D> Drop for Owned<D> {
    fn drop(&mut self) {
        // SAFETY: as above.
        unsafe { self.0.as_ref() }.life.end();
        // In models its memory stays, so that loom can report its users.
        if !cfg!(loom) {
            // SAFETY: it came from a box, and is freed once.
            drop(unsafe { Box::from_raw(self.0.as_ptr()) });
        }
    }
}

impl<D> Deref for Seen<'_, D> {
    type Target = D;

    fn deref(&self) -> &D {
        self.0.life.touch();
        &self.0.value
    }
}

impl<D> Clone for Seen<'_, D> {
    fn clone(&self) -> Self {
        self.0.life.touch();
        Self(self.0)
    }
}

impl<D> Drop for Seen<'_, D> {
    fn drop(&mut self) {
        self.0.life.touch();
    }
}

impl<D: Send + Sync + 'static> Published<D> for HostPublished<D> {
    type Owner = Owned<D>;
    type Taken = Taken<D>;
    type Seen<'a> = Seen<'a, D>;

    fn empty() -> Self {
        Self(AtomicUsize::new(0), std::marker::PhantomData)
    }

    fn is_empty(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }

    fn see(&self) -> Option<Seen<'_, D>> {
        let object = self.0.load(Ordering::Acquire);
        let object = NonNull::new(std::ptr::with_exposed_provenance_mut::<Lived<D>>(object))?;
        // SAFETY: the tests check that it is there.
        let object = unsafe { &*object.as_ptr() };
        object.life.touch();
        Some(Seen(object))
    }

    fn swap(&self, new: Option<Owned<D>>) -> Option<Taken<D>> {
        let new = new.map_or(0, |new| {
            ManuallyDrop::new(new).0.as_ptr().expose_provenance()
        });
        let old = self.0.swap(new, Ordering::AcqRel);
        NonNull::new(std::ptr::with_exposed_provenance_mut(old)).map(Taken)
    }

    fn reclaim(taken: Taken<D>) -> Owned<D> {
        // Nobody else sees it any more.
        // SAFETY: it is there until it is freed by its owner.
        let life = unsafe { &taken.0.as_ref().life };
        life.end();
        life.begin();
        Owned(taken.0)
    }
}
