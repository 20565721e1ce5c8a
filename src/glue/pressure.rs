// SPDX-License-Identifier: GPL-2.0-only

//! The kernel asks for memory back.
//!
//! C headers: `include/linux/shrinker.h`, `include/linux/oom.h`

use super::bindings;
use core::ptr::{self, NonNull};
use kernel::ffi::{c_ulong, c_void};
use kernel::prelude::*;
use kernel::sync::Arc;

/// Who has memory that he can give back.
///
/// All of it is called inside reclaim, whose caller may hold locks: it does not sleep, nor wait.
pub(crate) trait Gives: Send + Sync {
    /// Pages that could be given back. 0: none for now.
    fn count(&self) -> usize;

    /// Gives pages back, or sees to it that they are soon, if so many are wanted. Gives how many
    /// were at once, or `None` when nothing is to be had for now.
    fn scan(&self, wanted: usize) -> Option<usize>;

    /// Gives back what can be at once, before a process is killed for it. Gives how many pages.
    fn last(&self) -> usize;
}

/// Has the kernel ask for memory of somebody as long as this lives.
///
/// # Invariants
///
/// `registered` is valid, with callbacks that take the pointer to `_giver`.
pub(crate) struct Pressure<G> {
    registered: NonNull<bindings::vswap_pressure>,
    /// In memory of its own, as the callbacks have its address.
    _giver: KBox<Arc<G>>,
}

// SAFETY: the kernel calls from any thread, as it is the callbacks that say what they need, and
// dropping it may be done on any as well.
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
/// As [`giver`] requires; `freed` is valid.
unsafe extern "C" fn scan<G: Gives>(
    data: *mut c_void,
    wanted: c_ulong,
    freed: *mut c_ulong,
) -> bool {
    // SAFETY: as this function requires.
    match unsafe { giver::<G>(data) }.scan(wanted) {
        Some(pages) => {
            // SAFETY: as this function requires.
            unsafe { *freed = pages };
            true
        }
        None => false,
    }
}

/// # Safety
///
/// As [`giver`] requires.
unsafe extern "C" fn last<G: Gives>(data: *mut c_void) -> c_ulong {
    // SAFETY: as this function requires.
    unsafe { giver::<G>(data) }.last()
}

impl<G: Gives> Pressure<G> {
    /// Has the kernel ask from now on; `name` is what debugfs shows. May sleep.
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
