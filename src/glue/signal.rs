// SPDX-License-Identifier: GPL-2.0-only

//! Signals.

use kernel::prelude::*;

/// An error when the current task has a signal to handle, and should end its
/// work. The caller of the system call sees `EINTR` if it has a handler for the signal. If there
/// is none, for example if it was stopped, or frozen while the machine is suspended, the call
/// restarts.
pub(crate) fn check() -> Result {
    if kernel::current!().signal_pending() {
        return Err(ERESTARTNOHAND);
    }
    Ok(())
}

/// Whether the current task is to die, and should stop waiting.
pub(crate) fn is_fatal() -> bool {
    // SAFETY: no requirements.
    unsafe { super::bindings::vswap_is_dying() }
}
