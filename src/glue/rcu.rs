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

/// Waits until all readers that have begun are done: quickly, at the cost of interrupting all
/// CPUs. May sleep; not for a reader.
pub(crate) fn synchronize() {
    // SAFETY: no requirements but that the caller may sleep, which no type expresses, not even in
    // rust/kernel.
    unsafe { kernel::bindings::synchronize_rcu_expedited() }
}

/// A grace period that has begun: when it is over, all readers that had begun before it are done.
///
/// It interrupts no CPU, and takes some ticks.
#[must_use]
pub(crate) struct GracePeriod(kernel::ffi::c_ulong);

impl GracePeriod {
    /// Begins one. Does not sleep.
    pub(crate) fn begin() -> Self {
        // SAFETY: no requirements.
        Self(unsafe { kernel::bindings::start_poll_synchronize_rcu() })
    }

    /// Whether it is over. Does not sleep.
    pub(crate) fn is_over(&self) -> bool {
        // SAFETY: no requirements.
        unsafe { kernel::bindings::poll_state_synchronize_rcu(self.0) }
    }

    /// Waits until it is over: quickly, as [`synchronize`] does. May sleep; not for a reader.
    pub(crate) fn wait(self) {
        // SAFETY: no requirements but that the caller may sleep.
        unsafe { kernel::bindings::cond_synchronize_rcu_expedited(self.0) }
    }
}

/// Waits, when it is dropped, until no preempted task is in the module's code any more:
/// a task that has completed a call still returns through it, and by then its swap area may be off;
/// no grace period of RCU's readers waits for that. The module must drop it last. May sleep.
pub(crate) struct Returned;

impl Drop for Returned {
    fn drop(&mut self) {
        // SAFETY: no requirements but that the caller may sleep.
        unsafe { super::bindings::vswap_tasks_wait() }
    }
}

/// RCU's part of an object that is freed after a grace period.
#[repr(transparent)]
pub(super) struct Head(UnsafeCell<callback_head>);

// SAFETY: only RCU uses it, once nobody else uses its object.
unsafe impl Send for Head {}
// SAFETY: as above.
unsafe impl Sync for Head {}

impl Head {
    /// Calls `then` with this head's address when all readers that have begun by now are done.
    /// Does not sleep, nor may `then`.
    ///
    /// # Safety
    ///
    /// The head stays where it is until then, and is passed once. `then` may be called with it,
    /// and stays until [`barrier`] has returned.
    pub(super) unsafe fn call(&self, then: unsafe extern "C" fn(*mut callback_head)) {
        // SAFETY: as this function requires.
        unsafe { kernel::bindings::call_rcu(self.0.get(), Some(then)) }
    }
}

/// Waits until all pending callbacks are done. May sleep.
pub(super) fn barrier() {
    // SAFETY: no requirements but that the caller may sleep.
    unsafe { kernel::bindings::rcu_barrier() }
}
