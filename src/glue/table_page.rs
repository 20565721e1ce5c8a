// SPDX-License-Identifier: GPL-2.0-only

//! Pages that are clusters' tables.

use super::memory;
use crate::engine::page::PAGE_SIZE;
use crate::engine::platform::Page;
use crate::engine::table::Table;
use core::mem::ManuallyDrop;
use core::ptr::{self, NonNull};
use kernel::ffi::c_void;

const _: () = assert!(size_of::<Table>() == PAGE_SIZE);

/// A table page that no cluster uses.
///
/// # Invariants
///
/// It came from `memory::zeroed_page` or `zeroed_page_wait` and is this value's own.
pub(crate) struct TablePage(NonNull<c_void>);

// SAFETY: a page may be freed by any thread.
unsafe impl Send for TablePage {}

impl TablePage {
    /// An empty table. May sleep, and reclaim memory.
    pub(crate) fn wait() -> Option<Self> {
        // INVARIANT: just allocated.
        memory::zeroed_page_wait().map(Self)
    }
}

impl Page for TablePage {
    fn new() -> Option<Self> {
        // INVARIANT: just allocated.
        memory::zeroed_page().map(Self)
    }

    #[inline]
    fn into_address(self) -> usize {
        ManuallyDrop::new(self).0.as_ptr().expose_provenance()
    }

    #[inline]
    fn from_address(address: usize) -> Self {
        let page: *mut c_void = ptr::with_exposed_provenance_mut(address);
        // INVARIANT: as the trait requires, a page that was given away.
        // SAFETY: its address is not 0.
        Self(unsafe { NonNull::new_unchecked(page) })
    }

    #[inline(always)]
    fn with<R>(address: usize, then: impl FnOnce(&Table) -> R) -> R {
        // SAFETY: as the trait requires, it is the address of a page that was given away, and the
        // index frees it only when its readers are done. A zeroed page is a table, and anybody may
        // read one.
        then(unsafe { &*ptr::with_exposed_provenance::<Table>(address) })
    }
}

impl Drop for TablePage {
    fn drop(&mut self) {
        // SAFETY: by the invariant.
        unsafe { memory::free_page(self.0) }
    }
}
