// SPDX-License-Identifier: GPL-2.0-only

//! The time.
//!
//! C headers: `include/linux/timekeeping.h`

/// Seconds since boot, not counting suspend. They never go backwards.
pub(crate) fn seconds() -> u32 {
    // SAFETY: no requirements.
    let seconds = unsafe { kernel::bindings::ktime_get_seconds() };
    // It takes 136 years to exceed that.
    u32::try_from(seconds).unwrap_or(u32::MAX)
}

/// Milliseconds of the same clock.
pub(crate) fn milliseconds() -> u64 {
    // SAFETY: no requirements.
    let nanoseconds = unsafe { kernel::bindings::ktime_get() };
    u64::try_from(nanoseconds).unwrap_or(0) / 1_000_000
}

/// The ticks in that many milliseconds, at least one.
pub(crate) fn ticks_of_ms(milliseconds: u32) -> usize {
    let ticks = kernel::time::msecs_to_jiffies(milliseconds);
    ticks.max(1)
}
