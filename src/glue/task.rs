// SPDX-License-Identifier: GPL-2.0-only

//! The current task.
//!
//! C header: `include/linux/sched.h`

use super::bindings;

/// A number that the current task alone has.
pub(crate) fn number() -> u32 {
    kernel::current!().pid().unsigned_abs()
}

/// Whether the current task may wait a moment for a thread of ours: it is none of the kernel's
/// threads, is not to die, and has not said that writing to a disk may depend on it.
pub(crate) fn may_wait() -> bool {
    // SAFETY: no requirements.
    unsafe { bindings::vswap_may_wait() }
}
