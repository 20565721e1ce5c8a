// SPDX-License-Identifier: GPL-2.0-only

//! What time it is.
//!
//! C headers: `include/linux/timekeeping.h`, `include/linux/jiffies.h`

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

/// The clock's ticks (250 a second in Debian's kernels), which wrap: to be subtracted from one
/// another with `wrapping_sub`. As cheap as a load.
#[allow(clippy::cast_possible_truncation, reason = "they are to wrap")]
#[inline]
pub(crate) fn ticks() -> u32 {
    // SAFETY: it is a word that is always there, and that is written in one go.
    unsafe { core::ptr::read_volatile(&raw const kernel::bindings::jiffies) as u32 }
}

/// The ticks in so many seconds; as many as can be counted when those are more.
pub(crate) fn ticks_of(seconds: u32) -> u32 {
    seconds.saturating_mul(super::bindings::VSWAP_HZ)
}
