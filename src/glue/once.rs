// SPDX-License-Identifier: GPL-2.0-only

//! A place that is filled once, and read when nobody fills it any more.

use crate::engine::platform;
use core::cell::UnsafeCell;

/// The place. It is plain memory: its users make sure that they access it in that order.
pub(crate) struct Once<T>(UnsafeCell<Option<T>>);

impl<T> platform::Once<T> for Once<T> {
    #[inline]
    fn new() -> Self {
        Self(UnsafeCell::new(None))
    }

    #[inline]
    fn fill(&self, value: T) {
        // SAFETY: as the trait requires, nobody else fills it, and nobody reads it.
        unsafe { *self.0.get() = Some(value) }
    }

    #[inline]
    fn get(&self) -> Option<&T> {
        // SAFETY: as the trait requires, nobody fills it any more.
        unsafe { (*self.0.get()).as_ref() }
    }
}
