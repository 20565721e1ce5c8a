// SPDX-License-Identifier: GPL-2.0-only

//! A map of objects from a slab cache, which are dropped a grace period after their removal.

use super::cpu::Pinned;
use super::memory::ObjectCache;
use super::rcu::Head;
use super::xarray::PointerArray;
use crate::engine::platform::Map;
use core::cell::UnsafeCell;
use core::mem::{forget, ManuallyDrop};
use core::ops::Deref;
use core::ptr::{self, NonNull};
use kernel::bindings::callback_head;
use kernel::error::code::EBUSY;
use kernel::prelude::*;

/// An object with its bookkeeping: links while it is in the map, and an RCU head from its
/// retirement on.
#[repr(C)]
struct Object<T, L> {
    // First, so that a pointer to the head is one to the whole.
    tail: UnsafeCell<Tail<L>>,
    value: T,
}

#[repr(C)]
union Tail<L> {
    links: ManuallyDrop<L>,
    head: ManuallyDrop<Head>,
}

/// The map.
///
/// # Invariants
///
/// The array points at objects from the cache, whose tails are links.
pub(crate) struct ObjectMap<T, L> {
    array: Pin<KBox<PointerArray<Object<T, L>>>>,
    // After the array: its objects live in it.
    cache: ObjectCache,
}

// SAFETY: the map hands out shared references only, to what may be shared.
unsafe impl<T: Send + Sync, L: Send + Sync> Send for ObjectMap<T, L> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync, L: Send + Sync> Sync for ObjectMap<T, L> {}

/// An object that is not in the map yet.
///
/// # Invariants
///
/// It came from a cache, with links, and belongs to this value.
pub(crate) struct New<T, L>(NonNull<Object<T, L>>);

/// An object that was removed from the map.
///
/// # Invariants
///
/// It came from a map's cache, is no longer in the map, and no other `Removed` has it.
pub(crate) struct Removed<T, L>(NonNull<Object<T, L>>);

impl<T, L> Deref for New<T, L> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: by the invariant it is an object.
        unsafe { &(*self.0.as_ptr()).value }
    }
}

impl<T, L> Drop for New<T, L> {
    fn drop(&mut self) {
        // SAFETY: by the invariant it is this value's own, and nobody else has seen it.
        unsafe { end(self.0) }
    }
}

/// Drops an object and frees its memory.
///
/// # Safety
///
/// It came from a cache, and nobody uses it any more.
unsafe fn end<T, L>(object: NonNull<Object<T, L>>) {
    // SAFETY: as this function requires; `kfree` finds the slab cache by itself.
    unsafe {
        ptr::drop_in_place(&raw mut (*object.as_ptr()).value);
        kernel::bindings::kfree(object.as_ptr().cast());
    }
}

/// Drops an object that was retired.
///
/// # Safety
///
/// Called by RCU, with the head of such an object, when its readers are done.
unsafe extern "C" fn retired<T, L>(head: *mut callback_head) {
    // SAFETY: the head is the object's first field, and nobody uses it any more.
    unsafe { end(NonNull::new_unchecked(head.cast::<Object<T, L>>())) }
}

impl<T: Send + Sync + 'static, L: Default + Send + Sync + 'static> Map<T, L> for ObjectMap<T, L> {
    type Cpu = Pinned;
    type Found<'a> = &'a T;
    type New = New<T, L>;
    type Removed = Removed<T, L>;

    // As the slab cache lays it out.
    const BYTES: usize = size_of::<Object<T, L>>().next_multiple_of(64);

    fn new(name: &'static CStr) -> Option<Self> {
        Some(Self {
            array: KBox::pin_init(PointerArray::new(), GFP_KERNEL).ok()?,
            // INVARIANT: there is none yet.
            cache: ObjectCache::new(name, size_of::<Object<T, L>>())?,
        })
    }

    fn make(&self, value: T) -> Option<New<T, L>> {
        let object: NonNull<Object<T, L>> = self.cache.alloc()?.cast();
        let links = ManuallyDrop::new(L::default());
        // SAFETY: it is memory for an object, which nobody else has.
        unsafe {
            object.write(Object {
                tail: UnsafeCell::new(Tail { links }),
                value,
            });
        }
        // INVARIANT: just made so.
        Some(New(object))
    }

    fn insert(&self, index: u32, object: New<T, L>) -> Option<bool> {
        // INVARIANT: it came from the cache, with links.
        match self.array.insert(place(index), object.0) {
            Ok(()) => {
                forget(object);
                Some(true)
            }
            Err(error) => (error == EBUSY).then_some(false),
        }
    }

    #[inline]
    fn load<'a>(&'a self, _cpu: &'a Pinned, index: u32) -> Option<&'a T> {
        let object = self.array.load(place(index))?;
        // SAFETY: it was in the map after the pin, an RCU reader, had begun, which keeps it an
        // object.
        Some(unsafe { &(*object.as_ptr()).value })
    }

    fn first<'a>(&'a self, _cpu: &'a Pinned, from: u32) -> Option<(u32, &'a T)> {
        let (found, object) = self.array.find(place(from))?;
        // SAFETY: as in `load`.
        Some((number(found)?, unsafe { &(*object.as_ptr()).value }))
    }

    fn first_marked(&self, from: u32) -> Option<u32> {
        number(self.array.find_marked(place(from))?.0)
    }

    fn mark(&self, index: u32) {
        self.array.mark(place(index));
    }

    fn unmark(&self, index: u32) {
        self.array.unmark(place(index));
    }

    fn with_links(&self, index: u32, then: impl FnOnce(&L)) {
        self.array.with(place(index), |object| {
            // SAFETY: with the array's lock held it stays in the map, and its tail links.
            then(unsafe { &(*(*object.as_ptr()).tail.get()).links });
        });
    }

    fn remove(&self, index: u32) -> Option<Removed<T, L>> {
        // INVARIANT: just taken out.
        self.array.remove(place(index)).map(Removed)
    }

    fn retire(&self, object: Removed<T, L>) {
        // SAFETY: by the invariant it is no longer in the map, and passed here once; so its
        // links are no longer used. RCU waits for its readers, which may still use the value;
        // and the cache, and with it the module, waits for the callback.
        unsafe {
            let tail = (*object.0.as_ptr()).tail.get();
            let head: *const Head = tail.cast_const().cast();
            (*head).call(retired::<T, L>);
        }
    }

    #[inline]
    fn token(object: &T) -> usize {
        ptr::from_ref(object).expose_provenance()
    }

    fn token_of(object: &Removed<T, L>) -> usize {
        // SAFETY: by the invariant it is an object.
        Self::token(unsafe { &(*object.0.as_ptr()).value })
    }

    #[inline]
    fn remembered<'a>(&'a self, _cpu: &'a Pinned, token: usize) -> &'a T {
        // SAFETY: as the trait requires, it is the token of an object, which is retired only when it
        // is no longer remembered; the pin is an RCU reader, which keeps it an object.
        unsafe { &*ptr::with_exposed_provenance(token) }
    }
}

#[inline]
fn place(index: u32) -> usize {
    // Lossless: the XArray's index has 64 bits.
    index as usize
}

fn number(place: usize) -> Option<u32> {
    u32::try_from(place).ok()
}
