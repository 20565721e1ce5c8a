// SPDX-License-Identifier: GPL-2.0-only

//! The current task.
//!
//! C header: `include/linux/sched.h`

use super::bindings;

/// A number that is unique to the current task.
pub(crate) fn number() -> u32 {
    kernel::current!().pid().unsigned_abs()
}

/// Whether the current task may wait a moment for a thread of the module: it is not a kernel
/// thread, is not to die, and has not declared that writing to a disk may depend on it.
pub(crate) fn may_wait() -> bool {
    // SAFETY: no requirements.
    unsafe { bindings::vswap_may_wait() }
}
