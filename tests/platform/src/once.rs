// SPDX-License-Identifier: GPL-2.0-only

//! A place that is filled once.

use crate::cell::Cell;
use std::cell::UnsafeCell;
use vswap_engine::platform::Once;

/// The place.
pub struct HostOnce<T> {
    is_filled: Cell<bool>,
    value: UnsafeCell<Option<T>>,
}

// SAFETY: none. The tests check that nobody reads while it is filled.
unsafe impl<T: Send> Sync for HostOnce<T> {}

impl<T> Once<T> for HostOnce<T> {
    fn new() -> Self {
        Self {
            is_filled: Cell::new(false),
            value: UnsafeCell::new(None),
        }
    }

    fn fill(&self, value: T) {
        assert!(!self.is_filled.replace(true), "it is filled twice");
        // SAFETY: as above.
        unsafe { *self.value.get() = Some(value) }
    }

    fn get(&self) -> Option<&T> {
        let is_filled = self.is_filled.get();
        // SAFETY: as above.
        unsafe { (*self.value.get()).as_ref() }.filter(|_| is_filled)
    }
}
