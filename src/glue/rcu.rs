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
