// SPDX-License-Identifier: GPL-2.0-only

//! A workqueue of our own.
//!
//! `kernel::workqueue` has the system's only, which may have to wait for memory.
//!
//! C header: `include/linux/workqueue.h`

use super::bindings;
use core::ptr::NonNull;
use kernel::prelude::*;

/// A queue whose works run on any CPU, and run when there is no memory as well.
///
/// # Invariants
///
/// `queue` is a valid workqueue, owned by this value.
pub(crate) struct Queue {
    queue: NonNull<kernel::bindings::workqueue_struct>,
}

// SAFETY: a workqueue may be used on any thread.
unsafe impl Send for Queue {}
// SAFETY: as above.
unsafe impl Sync for Queue {}

impl Queue {
    /// A queue without works; `name` is what `ps` shows of its thread for emergencies. May
    /// sleep. `ENOMEM`: no memory, or the caller was killed.
    pub(crate) fn new(name: &CStr) -> Result<Self> {
        // SAFETY: the name is copied.
        let queue = unsafe { bindings::vswap_workqueue(name.as_char_ptr()) };
        // INVARIANT: just made, and kept by nobody else.
        NonNull::new(queue)
            .map(|queue| Self { queue })
            .ok_or(ENOMEM)
    }

    /// The queue, valid as long as this value.
    #[inline]
    pub(super) fn raw(&self) -> *mut kernel::bindings::workqueue_struct {
        self.queue.as_ptr()
    }
}

impl Drop for Queue {
    /// Waits until all works have run, those that they queue included. May sleep.
    fn drop(&mut self) {
        // SAFETY: the queue is valid by the invariant and goes with its owner.
        unsafe { kernel::bindings::destroy_workqueue(self.queue.as_ptr()) }
    }
}
