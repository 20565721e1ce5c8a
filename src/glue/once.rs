// SPDX-License-Identifier: GPL-2.0-only

//! A place that is filled once, and looked at when nobody fills it any more.

use crate::engine::platform;
use core::cell::UnsafeCell;

/// The place. It is no more than memory: who may do what with it when, its users see to.
pub(crate) struct Once<T>(UnsafeCell<Option<T>>);

impl<T> platform::Once<T> for Once<T> {
    #[inline]
    fn new() -> Self {
        Self(UnsafeCell::new(None))
    }

    #[inline]
    fn fill(&self, value: T) {
        // SAFETY: as the trait asks for, nobody else fills it, and nobody looks.
        unsafe { *self.0.get() = Some(value) }
    }

    #[inline]
    fn get(&self) -> Option<&T> {
        // SAFETY: as the trait asks for, nobody fills it any more.
        unsafe { (*self.0.get()).as_ref() }
    }
}
