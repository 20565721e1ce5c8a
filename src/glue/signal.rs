// SPDX-License-Identifier: GPL-2.0-only

//! Signals.

use kernel::prelude::*;

/// An error when the current task has a signal to take, and is to come to an end with what it
/// does. The caller of the system call sees `EINTR` if he has a handler for the signal. If there
/// is none, as when he was stopped, or frozen while the machine is suspended, the call begins
/// again.
pub(crate) fn check() -> Result {
    if kernel::current!().signal_pending() {
        return Err(ERESTARTNOHAND);
    }
    Ok(())
}

/// Whether the current task is to die, and with it what it waits for.
pub(crate) fn is_fatal() -> bool {
    // SAFETY: no requirements.
    unsafe { super::bindings::vswap_is_dying() }
}
