// SPDX-License-Identifier: GPL-2.0-only

//! The map of objects. In models it has a few places, each an atomic that is read without a
//! lock; otherwise as many as there are.

use crate::cell::Life;
use crate::rcu::{after_readers, Pin};
use crate::sync::Mutex;
#[cfg(loom)]
use crate::sync::{AtomicBool, AtomicUsize, Ordering};
use std::mem::{forget, ManuallyDrop};
use std::ops::Deref;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use vswap_engine::platform::Map;

/// An object and its links.
pub struct Linked<T, L> {
    // First, so that a pointer to it is one to the whole.
    value: ManuallyDrop<T>,
    links: L,
    life: Life,
}

type Pointer<T, L> = NonNull<Linked<T, L>>;

#[cfg(not(loom))]
mod places {
    use super::{Mutex, Pointer};
    use std::collections::BTreeMap;

    /// An object, and whether it is marked.
    type Place<T, L> = (Pointer<T, L>, bool);

    /// The places in use.
    pub(super) struct Places<T, L>(Mutex<BTreeMap<u32, Place<T, L>>>);

    impl<T, L> Places<T, L> {
        pub(super) fn new() -> Self {
            Self(Mutex::default())
        }

        pub(super) fn load(&self, index: u32) -> Option<Pointer<T, L>> {
            self.0.lock().unwrap().get(&index).map(|place| place.0)
        }

        pub(super) fn insert(&self, index: u32, object: Pointer<T, L>) -> bool {
            let mut places = self.0.lock().unwrap();
            let is_free = !places.contains_key(&index);
            if is_free {
                places.insert(index, (object, false));
            }
            is_free
        }

        pub(super) fn remove(&self, index: u32) -> Option<Pointer<T, L>> {
            self.0.lock().unwrap().remove(&index).map(|place| place.0)
        }

        pub(super) fn first(&self, from: u32) -> Option<(u32, Pointer<T, L>)> {
            let places = self.0.lock().unwrap();
            places
                .range(from..)
                .next()
                .map(|(index, place)| (*index, place.0))
        }

        pub(super) fn first_marked(&self, from: u32) -> Option<u32> {
            let places = self.0.lock().unwrap();
            let mut marked = places.range(from..).filter(|(_, place)| place.1);
            marked.next().map(|(index, _)| *index)
        }

        pub(super) fn set_mark(&self, index: u32, mark: bool) {
            if let Some(place) = self.0.lock().unwrap().get_mut(&index) {
                place.1 = mark;
            }
        }

        pub(super) fn with(&self, index: u32, then: impl FnOnce(Pointer<T, L>)) {
            if let Some(place) = self.0.lock().unwrap().get(&index) {
                then(place.0);
            }
        }
    }
}

#[cfg(loom)]
mod places {
    use super::{AtomicBool, AtomicUsize, Mutex, Ordering, Pointer};
    use std::marker::PhantomData;
    use std::ptr::NonNull;

    const PLACES: usize = 2;

    /// The places, and whether they are marked. Changes are made with the lock held, as the XArray makes
    /// them.
    pub(super) struct Places<T, L> {
        objects: [AtomicUsize; PLACES],
        marks: [AtomicBool; PLACES],
        lock: Mutex<()>,
        _objects: PhantomData<(T, L)>,
    }

    impl<T, L> Places<T, L> {
        pub(super) fn new() -> Self {
            Self {
                objects: Default::default(),
                marks: Default::default(),
                lock: Mutex::default(),
                _objects: PhantomData,
            }
        }

        fn get(&self, index: usize, order: Ordering) -> Option<Pointer<T, L>> {
            let word = self.objects.get(index)?.load(order);
            NonNull::new(std::ptr::with_exposed_provenance_mut(word))
        }

        pub(super) fn load(&self, index: u32) -> Option<Pointer<T, L>> {
            self.get(index as usize, Ordering::Acquire)
        }

        pub(super) fn insert(&self, index: u32, object: Pointer<T, L>) -> bool {
            let _lock = self.lock.lock().unwrap();
            let is_free = self.get(index as usize, Ordering::Relaxed).is_none();
            if is_free {
                let word = object.as_ptr().expose_provenance();
                self.objects[index as usize].store(word, Ordering::Release);
            }
            is_free
        }

        pub(super) fn remove(&self, index: u32) -> Option<Pointer<T, L>> {
            let _lock = self.lock.lock().unwrap();
            let object = self.get(index as usize, Ordering::Relaxed);
            self.objects[index as usize].store(0, Ordering::Release);
            self.marks[index as usize].store(false, Ordering::Relaxed);
            object
        }

        pub(super) fn first(&self, from: u32) -> Option<(u32, Pointer<T, L>)> {
            let mut places = from..PLACES as u32;
            places.find_map(|index| Some((index, self.load(index)?)))
        }

        pub(super) fn first_marked(&self, from: u32) -> Option<u32> {
            let is_marked = |index: &u32| self.marks[*index as usize].load(Ordering::Relaxed);
            (from..PLACES as u32).find(is_marked)
        }

        pub(super) fn set_mark(&self, index: u32, mark: bool) {
            let _lock = self.lock.lock().unwrap();
            if self.get(index as usize, Ordering::Relaxed).is_some() {
                self.marks[index as usize].store(mark, Ordering::Relaxed);
            }
        }

        pub(super) fn with(&self, index: u32, then: impl FnOnce(Pointer<T, L>)) {
            let _lock = self.lock.lock().unwrap();
            self.get(index as usize, Ordering::Relaxed).map(then);
        }
    }
}

/// The map.
pub struct HostMap<T, L> {
    places: places::Places<T, L>,
    /// Objects that were dropped in a model, whose memory stays until the map goes.
    dropped: Arc<Dropped<T, L>>,
}

struct Dropped<T, L>(std::sync::Mutex<Vec<Pointer<T, L>>>);

impl<T, L> Drop for Dropped<T, L> {
    fn drop(&mut self) {
        for object in self.0.get_mut().unwrap().drain(..) {
            // SAFETY: it came from a box, and was dropped but for its memory.
            drop(unsafe { Box::from_raw(object.as_ptr()) });
        }
    }
}

// SAFETY: what is shared may be.
unsafe impl<T: Send + Sync, L: Send + Sync> Send for HostMap<T, L> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync, L: Send + Sync> Sync for HostMap<T, L> {}

/// An object that was found.
pub struct Found<'a, T, L>(&'a Linked<T, L>);

/// An object that is not in the map yet.
pub struct New<T, L>(Pointer<T, L>);

/// An object that was taken out.
pub struct Removed<T, L>(Pointer<T, L>);

impl<T, L> Found<'_, T, L> {
    fn new(object: Pointer<T, L>) -> Self {
        // SAFETY: the tests check that it is there.
        let object = unsafe { &*object.as_ptr() };
        object.life.touch();
        Self(object)
    }
}

impl<T, L> Deref for Found<'_, T, L> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.life.touch();
        &self.0.value
    }
}

impl<T, L> Drop for Found<'_, T, L> {
    fn drop(&mut self) {
        self.0.life.touch();
    }
}

impl<T, L> Deref for New<T, L> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: it is this value's own.
        unsafe { &(*self.0.as_ptr()).value }
    }
}

impl<T, L> Drop for New<T, L> {
    fn drop(&mut self) {
        // SAFETY: as above; nobody else has seen it.
        let mut object = unsafe { Box::from_raw(self.0.as_ptr()) };
        // SAFETY: once.
        unsafe { ManuallyDrop::drop(&mut object.value) };
    }
}

impl<T: Send + Sync + 'static, L: Default + Send + Sync + 'static> Map<T, L> for HostMap<T, L> {
    type Cpu = Pin;
    type Found<'a> = Found<'a, T, L>;
    type New = New<T, L>;
    type Removed = Removed<T, L>;

    const BYTES: usize = size_of::<Linked<T, L>>();

    fn new(_: &'static core::ffi::CStr) -> Option<Self> {
        Some(Self {
            places: places::Places::new(),
            dropped: Arc::new(Dropped(std::sync::Mutex::default())),
        })
    }

    fn make(&self, value: T) -> Option<New<T, L>> {
        let object = Box::new(Linked {
            value: ManuallyDrop::new(value),
            links: L::default(),
            life: Life::new(),
        });
        NonNull::new(Box::into_raw(object)).map(New)
    }

    fn insert(&self, index: u32, object: New<T, L>) -> Option<bool> {
        let done = self.places.insert(index, object.0);
        if done {
            forget(object);
        }
        Some(done)
    }

    fn load<'a>(&'a self, _: &'a Pin, index: u32) -> Option<Found<'a, T, L>> {
        self.places.load(index).map(Found::new)
    }

    fn first<'a>(&'a self, _: &'a Pin, from: u32) -> Option<(u32, Found<'a, T, L>)> {
        let (index, object) = self.places.first(from)?;
        Some((index, Found::new(object)))
    }

    fn first_marked(&self, from: u32) -> Option<u32> {
        self.places.first_marked(from)
    }

    fn mark(&self, index: u32) {
        self.places.set_mark(index, true);
    }

    fn unmark(&self, index: u32) {
        self.places.set_mark(index, false);
    }

    fn with_links(&self, index: u32, then: impl FnOnce(&L)) {
        // SAFETY: it is in the map.
        self.places
            .with(index, |object| then(unsafe { &(*object.as_ptr()).links }));
    }

    fn remove(&self, index: u32) -> Option<Removed<T, L>> {
        self.places.remove(index).map(Removed)
    }

    fn retire(&self, object: Removed<T, L>) {
        let dropped = self.dropped.clone();
        after_readers(move || {
            // SAFETY: it was taken out once, and its readers are done.
            unsafe {
                (*object.0.as_ptr()).life.end();
                ManuallyDrop::drop(&mut (*object.0.as_ptr()).value);
            }
            if cfg!(loom) {
                dropped.0.lock().unwrap().push(object.0);
            } else {
                // SAFETY: it came from a box.
                drop(unsafe { Box::from_raw(object.0.as_ptr()) });
            }
        });
    }

    fn token(object: &T) -> usize {
        ptr::from_ref(object).expose_provenance()
    }

    fn token_of(object: &Removed<T, L>) -> usize {
        // SAFETY: it has not been retired yet.
        Self::token(unsafe { &(*object.0.as_ptr()).value })
    }

    fn remembered<'a>(&'a self, _: &'a Pin, token: usize) -> Found<'a, T, L> {
        let object = ptr::with_exposed_provenance_mut(token);
        Found::new(NonNull::new(object).expect("a token is not 0"))
    }
}
