// SPDX-License-Identifier: GPL-2.0-only

//! Signals.

/// Whether the current task has a signal to take, and is to come to an end with what it does:
/// `EINTR` is the error to give. On a kernel thread: whether it is to stop.
pub(crate) fn interrupted() -> bool {
    kernel::current!().signal_pending()
}
