// SPDX-License-Identifier: GPL-2.0-only

//! The kernel's requests for memory.
//!
//! C headers: `include/linux/shrinker.h`, `include/linux/oom.h`

use super::bindings;
use core::ptr::{self, NonNull};
use kernel::ffi::{c_ulong, c_void};
use kernel::prelude::*;
use kernel::sync::Arc;

/// An owner of memory that it can free.
///
/// Reclaim calls all of it, and its caller may hold locks: it does not sleep, nor wait.
pub(crate) trait Gives: Send + Sync {
    /// Pages that could be freed. 0: none for now.
    fn count(&self) -> usize;

    /// Frees pages, or has them freed soon, up to `wanted`. Returns how many
    /// were freed at once, or `None` when nothing can be freed for now.
    fn scan(&self, wanted: usize) -> Option<usize>;

    /// Frees what can be freed at once, before the OOM killer kills a process. Returns the pages.
    fn last(&self) -> usize;
}

/// Passes the kernel's requests for memory to an owner as long as this lives.
///
/// # Invariants
///
/// `registered` is valid, with callbacks that take the pointer to `_giver`.
pub(crate) struct Pressure<G> {
    registered: NonNull<bindings::vswap_pressure>,
    /// In memory of its own, as the callbacks have its address.
    _giver: KBox<Arc<G>>,
}

// SAFETY: the kernel calls from any thread, which is what the callbacks' bounds allow, and
// it may be dropped on any thread as well.
unsafe impl<G: Gives> Send for Pressure<G> {}
// SAFETY: as above; nothing can be done with a shared one.
unsafe impl<G: Gives> Sync for Pressure<G> {}

/// # Safety
///
/// `data` points at an `Arc<G>`, which stays for the call.
unsafe fn giver<'a, G>(data: *mut c_void) -> &'a G {
    // SAFETY: as this function requires.
    unsafe { &*data.cast::<Arc<G>>() }
}

/// # Safety
///
/// As [`giver`] requires.
unsafe extern "C" fn count<G: Gives>(data: *mut c_void) -> c_ulong {
    // SAFETY: as this function requires.
    unsafe { giver::<G>(data) }.count()
}

/// # Safety
///
/// As [`giver`] requires.
unsafe extern "C" fn scan<G: Gives>(data: *mut c_void, wanted: c_ulong) -> c_ulong {
    // SAFETY: as this function requires.
    let freed = unsafe { giver::<G>(data) }.scan(wanted);
    freed.unwrap_or(c_ulong::MAX)
}

/// # Safety
///
/// As [`giver`] requires.
unsafe extern "C" fn last<G: Gives>(data: *mut c_void) -> c_ulong {
    // SAFETY: as this function requires.
    unsafe { giver::<G>(data) }.last()
}

impl<G: Gives> Pressure<G> {
    /// Passes requests on from now on; `name` is what debugfs shows. May sleep.
    ///
    /// `ENOMEM`: no memory.
    pub(crate) fn new(name: &CStr, giver: Arc<G>) -> Result<Self> {
        let giver = KBox::new(giver, GFP_KERNEL)?;
        let ops = bindings::vswap_pressure_ops {
            count: Some(count::<G>),
            scan: Some(scan::<G>),
            last: Some(last::<G>),
        };
        let data = ptr::from_ref(&*giver).cast_mut().cast();
        // SAFETY: name and callbacks are copied; the data stays until `drop` has ended the calls.
        let registered =
            unsafe { bindings::vswap_pressure_new(name.as_char_ptr(), &raw const ops, data) };
        // INVARIANT: just registered so.
        Ok(Self {
            registered: NonNull::new(registered).ok_or(ENOMEM)?,
            _giver: giver,
        })
    }
}

impl<G> Drop for Pressure<G> {
    fn drop(&mut self) {
        // SAFETY: valid by the invariant, and goes with its owner. No callback runs afterwards.
        unsafe { bindings::vswap_pressure_free(self.registered.as_ptr()) }
    }
}
