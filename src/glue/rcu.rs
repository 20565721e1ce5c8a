// SPDX-License-Identifier: GPL-2.0-only

//! RCU: readers, and the grace periods that wait for them.
//!
//! C header: `include/linux/rcupdate.h`

use core::cell::UnsafeCell;
use kernel::bindings::callback_head;
use kernel::sync::rcu;

/// A reader: what it found under RCU stays while it lives. It may be preempted, but may not
/// sleep; it ends on the task that began it.
pub(crate) type Reader = rcu::Guard;

/// Waits until all readers that have begun are over: soon, at the cost of interrupting all CPUs.
/// May sleep; not for a reader.
pub(crate) fn synchronize() {
    // SAFETY: no requirements but that the caller may sleep, which no type tells, not those of
    // rust/kernel either.
    unsafe { kernel::bindings::synchronize_rcu_expedited() }
}

/// Waits, when it is dropped, until no task that was preempted in the module's code is there any more:
/// one that has completed a call still returns from it, and by then its swap area may be off, which
/// no grace period of RCU's readers waits for. To be the last of what the module drops. May sleep.
pub(crate) struct Returned;

impl Drop for Returned {
    fn drop(&mut self) {
        // SAFETY: no requirements but that the caller may sleep.
        unsafe { super::bindings::vswap_tasks_wait() }
    }
}

/// What RCU keeps of an object that is to be freed when a grace period is over.
#[repr(transparent)]
pub(super) struct Head(UnsafeCell<callback_head>);

// SAFETY: only RCU looks into it, once its object is nobody else's.
unsafe impl Send for Head {}
// SAFETY: as above.
unsafe impl Sync for Head {}

impl Head {
    /// Of an object that is in use.
    pub(super) const fn new() -> Self {
        Self(UnsafeCell::new(pin_init::zeroed()))
    }

    /// Calls `then` with this head's address when all readers that have begun by now are over.
    /// Does not sleep, nor may `then`.
    ///
    /// # Safety
    ///
    /// The head stays where it is until then, and is given once. `then` may be called with it,
    /// and stays until [`barrier`] has returned.
    pub(super) unsafe fn call(&self, then: unsafe extern "C" fn(*mut callback_head)) {
        // SAFETY: as this function requires.
        unsafe { kernel::bindings::call_rcu(self.0.get(), Some(then)) }
    }
}

/// Waits until all calls that were asked for are done. May sleep.
pub(super) fn barrier() {
    // SAFETY: no requirements but that the caller may sleep.
    unsafe { kernel::bindings::rcu_barrier() }
}
