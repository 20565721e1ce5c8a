// SPDX-License-Identifier: GPL-2.0-only

//! RCU: readers, and the grace periods that wait for them.
//!
//! C header: `include/linux/rcupdate.h`

use kernel::sync::rcu;

/// A reader: what it found under RCU stays while it lives. It may be preempted, but may not
/// sleep; it ends on the task that began it.
pub(crate) type Reader = rcu::Guard;

/// Waits until all readers that have begun are over, some tens of milliseconds. May sleep; not
/// for a reader.
pub(crate) fn synchronize() {
    rcu::synchronize_rcu();
}

/// As [`synchronize`], but soon, and at the cost of interrupting all CPUs.
pub(crate) fn synchronize_expedited() {
    // SAFETY: no requirements but that the caller may sleep, which no type tells, not those of
    // rust/kernel either.
    unsafe { kernel::bindings::synchronize_rcu_expedited() }
}

/// A grace period that began when this was made, or later: once it is over, so are all readers
/// that had begun by then.
#[must_use = "the grace period is over only when this says so"]
pub(crate) struct GracePeriod(usize);

impl GracePeriod {
    /// Asks for a grace period to begin, without waiting for it. Does not sleep.
    pub(crate) fn start() -> Self {
        // SAFETY: no requirements.
        Self(unsafe { kernel::bindings::start_poll_synchronize_rcu() })
    }

    /// Whether it is over. Does not sleep.
    pub(crate) fn is_over(&self) -> bool {
        // SAFETY: any number may be asked for.
        unsafe { kernel::bindings::poll_state_synchronize_rcu(self.0) }
    }

    /// Waits until it is over, unless it is. May sleep; not for a reader.
    pub(crate) fn wait(self) {
        // SAFETY: any number may be waited for; that the caller may sleep, as above.
        unsafe { kernel::bindings::cond_synchronize_rcu(self.0) }
    }
}
