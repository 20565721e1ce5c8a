// SPDX-License-Identifier: GPL-2.0-only

//! An XArray of plain pointers, with look-ups under RCU.
//!
//! `kernel::xarray` owns what it holds and looks up under its lock only.
//!
//! C header: `include/linux/xarray.h`

use super::bindings;
use core::marker::PhantomData;
use core::ptr::NonNull;
use kernel::error::to_result;
use kernel::prelude::*;
use kernel::types::Opaque;

/// The mark that vswap uses: the first one, `XA_MARK_0`.
const MARK: kernel::bindings::xa_mark_t = 0;

/// An array of pointers, indexed by number. It owns none of what they point at.
///
/// # Invariants
///
/// `xa` is initialized, and holds pointers to `T` only.
#[pin_data(PinnedDrop)]
pub(super) struct PointerArray<T> {
    #[pin]
    xa: Opaque<kernel::bindings::xarray>,
    _type: PhantomData<*mut T>,
}

// SAFETY: the array has its own lock, and hands out pointers only.
unsafe impl<T> Send for PointerArray<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for PointerArray<T> {}

impl<T> PointerArray<T> {
    /// An empty array.
    pub(super) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            // INVARIANT: initialized here, and empty.
            // SAFETY: `xa` points at memory for an xarray.
            xa <- Opaque::ffi_init(|xa| unsafe { kernel::bindings::xa_init_flags(xa, 0) }),
            _type: PhantomData,
        })
    }

    /// The pointer at `index`. Takes no lock.
    #[inline]
    pub(super) fn load(&self, index: usize) -> Option<NonNull<T>> {
        // SAFETY: `xa` is initialized by the invariant.
        NonNull::new(unsafe { kernel::bindings::xa_load(self.xa.get(), index) }.cast())
    }

    /// Calls `then` with the pointer at `index`, if there is one, with the array's lock held: the
    /// pointer stays there meanwhile.
    pub(super) fn with(&self, index: usize, then: impl FnOnce(NonNull<T>)) {
        // SAFETY: `xa` is initialized by the invariant, and its lock not held.
        unsafe { kernel::bindings::xa_lock(self.xa.get()) };
        self.load(index).map(then);
        // SAFETY: just taken.
        unsafe { kernel::bindings::xa_unlock(self.xa.get()) };
    }

    /// Puts a pointer at `index`, where there must be none. Does not wait for memory.
    ///
    /// `EBUSY`: there is one. `ENOMEM`: no memory for the array's own node.
    pub(super) fn insert(&self, index: usize, pointer: NonNull<T>) -> Result {
        // SAFETY: `xa` is initialized by the invariant.
        to_result(unsafe {
            bindings::vswap_xa_insert(self.xa.get(), index, pointer.as_ptr().cast())
        })
    }

    /// Removes the pointer at `index`.
    pub(super) fn remove(&self, index: usize) -> Option<NonNull<T>> {
        // SAFETY: `xa` is initialized by the invariant.
        NonNull::new(unsafe { kernel::bindings::xa_erase(self.xa.get(), index) }.cast())
    }

    /// The first pointer at `index` or after it, and its index.
    pub(super) fn find(&self, index: usize) -> Option<(usize, NonNull<T>)> {
        self.find_with(index, kernel::bindings::XA_PRESENT)
    }

    /// The first marked pointer at `index` or after it, and its index.
    pub(super) fn find_marked(&self, index: usize) -> Option<(usize, NonNull<T>)> {
        self.find_with(index, MARK)
    }

    /// Marks the pointer at `index`, if there is one.
    pub(super) fn mark(&self, index: usize) {
        // SAFETY: `xa` is initialized by the invariant.
        unsafe { kernel::bindings::xa_set_mark(self.xa.get(), index, MARK) }
    }

    /// Removes the mark.
    pub(super) fn unmark(&self, index: usize) {
        // SAFETY: `xa` is initialized by the invariant.
        unsafe { kernel::bindings::xa_clear_mark(self.xa.get(), index, MARK) }
    }

    fn find_with(&self, index: usize, filter: u32) -> Option<(usize, NonNull<T>)> {
        let mut place = index;
        // SAFETY: `xa` is initialized by the invariant; `place` outlives the call.
        let found =
            unsafe { kernel::bindings::xa_find(self.xa.get(), &mut place, usize::MAX, filter) };
        NonNull::new(found.cast()).map(|pointer| (place, pointer))
    }
}

#[pinned_drop]
impl<T> PinnedDrop for PointerArray<T> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: `xa` is initialized by the invariant, and nobody uses it any more.
        unsafe { kernel::bindings::xa_destroy(self.xa.get()) }
    }
}
