// SPDX-License-Identifier: GPL-2.0-only
//! Time that can be compared between processes.

use serde::{Deserialize, Serialize};
use std::io::Result;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Span {
    pub start: u64,
    pub end: u64,
}

impl Span {
    /// From the earliest start to the latest end of both.
    pub fn around(self, other: Span) -> Span {
        Span {
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }

    pub fn ns(self) -> u64 {
        self.end - self.start
    }
}

/// Nanoseconds since boot, the same for all processes.
fn now() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the kernel fills the timespec; this clock exists everywhere.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

pub fn timed(work: impl FnOnce() -> Result<()>) -> Result<Span> {
    let start = now();
    work()?;
    Ok(Span { start, end: now() })
}
