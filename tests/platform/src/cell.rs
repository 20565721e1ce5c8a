// SPDX-License-Identifier: GPL-2.0-only

//! Memory for code that ensures that nobody else uses it: loom, or Miri, reports when
//! that is not so.

#[cfg(loom)]
use loom::cell::Cell as Inner;
#[cfg(not(loom))]
use std::cell::Cell as Inner;

/// A value without a lock.
pub(crate) struct Cell<T: Copy>(Inner<T>);

// SAFETY: none. The tests check that no two threads use it at once.
unsafe impl<T: Copy + Send> Sync for Cell<T> {}

impl<T: Copy> Cell<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Inner::new(value))
    }

    pub(crate) fn get(&self) -> T {
        self.0.get()
    }

    pub(crate) fn replace(&self, value: T) -> T {
        self.0.replace(value)
    }
}

/// Whether something has been freed. Users check it; whoever frees it says so.
pub(crate) struct Life(Cell<bool>);

impl Life {
    pub(crate) fn new() -> Self {
        Self(Cell::new(true))
    }

    /// It is used.
    pub(crate) fn touch(&self) {
        assert!(self.0.get(), "what was freed is used");
    }

    /// It is used again.
    pub(crate) fn begin(&self) {
        self.0.replace(true);
    }

    /// It is freed: nobody else uses it any more.
    pub(crate) fn end(&self) {
        assert!(self.0.replace(false), "what was freed is freed again");
    }
}
