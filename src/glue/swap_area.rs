// SPDX-License-Identifier: GPL-2.0-only

//! The swap area that the swap core has made of the device: its free slots, and whether it is
//! synchronous. Also the kernel's count of the free slots of all areas, which decides whether it
//! tries to swap out, and which it shows as `SwapFree`.
//!
//! C header: `include/linux/swap.h` (`nr_swap_pages`, `struct swap_info_struct`)

use super::bindings;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use kernel::ffi::c_long;

/// The area.
///
/// # Invariants
///
/// Valid: `swap_activate` was called for it, and `swap_deactivate` was not.
pub(crate) struct Area(NonNull<kernel::bindings::swap_info_struct>);

// SAFETY: all accesses to it are atomic, and allowed on any thread.
unsafe impl Send for Area {}

impl Area {
    /// An area which is being activated.
    ///
    /// # Safety
    ///
    /// `sis` is what the swap core gave to `swap_activate`; the value is dropped before
    /// `swap_deactivate` returns.
    pub(super) unsafe fn new(sis: NonNull<kernel::bindings::swap_info_struct>) -> Self {
        // INVARIANT: as this function requires.
        Self(sis)
    }

    /// All usable slots. In any context.
    pub(crate) fn slots(&self) -> u64 {
        // SAFETY: by the invariant.
        u64::from(unsafe { (*self.0.as_ptr()).pages })
    }

    /// Slots that are not in use. In any context.
    pub(crate) fn free_slots(&self) -> u64 {
        // SAFETY: by the invariant.
        let free = unsafe { bindings::vswap_area_free_slots(self.0.as_ptr()) };
        u64::try_from(free).unwrap_or(0)
    }

    /// Sets the kind of device that the swap core sees. In any context.
    pub(crate) fn set_kind(&self, kind: Kind) {
        IS_MIXED.store(kind == Kind::Mixed, Ordering::Relaxed);
        // SAFETY: by the invariant.
        unsafe {
            bindings::vswap_area_set_synchronous(self.0.as_ptr(), kind != Kind::Disk);
        }
        ACTIVE.store(self.0.as_ptr(), Ordering::Release);
    }
}

impl Drop for Area {
    fn drop(&mut self) {
        ACTIVE.store(core::ptr::null_mut(), Ordering::Release);
    }
}

/// The kind of device that the swap core sees. Memory is synchronous: a page is written or read
/// when the call returns, nothing is read ahead, and the slot of a page that was read is freed.
/// With a disk the swap core reads pages ahead, and keeps the slots of those that are not
/// changed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// All pages lie in memory, or on disks that are memory.
    Memory,
    /// All of them lie on disks.
    Disk,
    /// Some lie in memory, and some on disks that are not: the area is what the last page came
    /// from, or went to.
    Mixed,
}

/// The area that is active.
static ACTIVE: AtomicPtr<kernel::bindings::swap_info_struct> =
    AtomicPtr::new(core::ptr::null_mut());

/// Whether it is a mixed one.
static IS_MIXED: AtomicBool = AtomicBool::new(false);

/// A page is stored: from now on a mixed area is synchronous. Called during a call of the swap
/// core for the active area, in any context.
#[inline]
pub(crate) fn page_stored() {
    set_synchronous(true);
}

/// A page is read from a disk that is not memory: from now on a mixed area is not synchronous.
/// Otherwise as [`page_stored`].
pub(crate) fn page_read_from_disk() {
    set_synchronous(false);
}

#[inline]
fn set_synchronous(is_synchronous: bool) {
    if IS_MIXED.load(Ordering::Relaxed) {
        let area = ACTIVE.load(Ordering::Acquire);
        if !area.is_null() {
            // SAFETY: the area is there while a call for it is not completed. A test's device has calls
            // without an active area.
            unsafe { bindings::vswap_area_set_synchronous(area, is_synchronous) }
        }
    }
}

/// Whether the swap core frees the slot of a page that is read now.
#[inline]
pub(crate) fn is_synchronous() -> bool {
    if !IS_MIXED.load(Ordering::Relaxed) {
        return true;
    }
    let area = ACTIVE.load(Ordering::Acquire);
    // SAFETY: as in `set_synchronous`.
    area.is_null() || unsafe { bindings::vswap_area_is_synchronous(area) }
}

/// Takes up to `most` slots out of the count, which does not fall below 0. Returns how many. In any
/// context.
pub(crate) fn take(most: u64) -> u64 {
    let most = c_long::try_from(most).unwrap_or(c_long::MAX);
    // SAFETY: a counter of the kernel's, changed atomically.
    let taken = unsafe { bindings::vswap_take_swap_slots(most) };
    u64::try_from(taken).unwrap_or(0)
}

/// Returns [taken](take) slots. In any context.
pub(crate) fn give(slots: u64) {
    let slots = c_long::try_from(slots).unwrap_or(0);
    // SAFETY: as above.
    unsafe { bindings::vswap_give_swap_slots(slots) };
}

/// The kernel's count. In any context.
pub(crate) fn counted() -> u64 {
    u64::try_from(count()).unwrap_or(0)
}

/// By how many slots the count is below 0. In any context.
pub(crate) fn owed() -> u64 {
    u64::try_from(count().saturating_neg()).unwrap_or(0)
}

fn count() -> c_long {
    // SAFETY: as above.
    unsafe { bindings::vswap_swap_slots() }
}
