// SPDX-License-Identifier: GPL-2.0-only

//! What time it is.
//!
//! C headers: `include/linux/timekeeping.h`

/// Seconds since the machine was booted, without those it was suspended. They never go back.
pub(crate) fn seconds() -> u32 {
    // SAFETY: no requirements.
    let seconds = unsafe { kernel::bindings::ktime_get_seconds() };
    // More than that are 136 years.
    u32::try_from(seconds).unwrap_or(u32::MAX)
}

/// Milliseconds of the same clock.
pub(crate) fn milliseconds() -> u64 {
    // SAFETY: no requirements.
    let nanoseconds = unsafe { kernel::bindings::ktime_get() };
    u64::try_from(nanoseconds).unwrap_or(0) / 1_000_000
}

/// The ticks in so many milliseconds, at least one.
pub(crate) fn ticks_of_ms(milliseconds: u32) -> usize {
    let ticks = kernel::time::msecs_to_jiffies(milliseconds);
    ticks.max(1)
}
