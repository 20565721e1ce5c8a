// SPDX-License-Identifier: GPL-2.0-only
//! Time that can be compared between processes, and CPU time.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Result;
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Span {
    pub start: u64,
    pub end: u64,
    /// Nanoseconds that this process ran meanwhile.
    pub cpu: u64,
}

impl Span {
    /// From the earliest start to the latest end of both.
    pub fn around(self, other: Span) -> Span {
        Span {
            start: self.start.min(other.start),
            end: self.end.max(other.end),
            cpu: self.cpu + other.cpu,
        }
    }

    pub fn ns(self) -> u64 {
        self.end - self.start
    }
}

fn read(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the kernel fills the timespec; the clocks used here exist everywhere.
    unsafe { libc::clock_gettime(clock, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Nanoseconds since boot, the same for all processes.
pub fn now() -> u64 {
    read(libc::CLOCK_MONOTONIC)
}

pub fn timed(work: impl FnOnce() -> Result<()>) -> Result<Span> {
    let ran = read(libc::CLOCK_PROCESS_CPUTIME_ID);
    // The inner one of the clocks, as the other one is a system call.
    let start = now();
    work()?;
    let end = now();
    let cpu = read(libc::CLOCK_PROCESS_CPUTIME_ID) - ran;
    Ok(Span { start, end, cpu })
}

/// For how long the kernel may defer freeing memory.
const SETTLE: Duration = Duration::from_millis(150);

/// Marks a kernel thread in a process's flags.
const PF_KTHREAD: u64 = 0x0020_0000;

/// How long the kernel's own threads ran, for work that is deferred and done by others than the
/// task that caused it.
pub struct KernelThreads(BTreeMap<u32, u64>);

impl KernelThreads {
    /// All of them, with the nanoseconds that each has run so far.
    pub fn now() -> Result<Self> {
        let entries = std::fs::read_dir("/proc")?;
        let numbers = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        Ok(KernelThreads(
            numbers
                .filter_map(|number: u32| Some((number, ran(number)?)))
                .collect(),
        ))
    }

    /// Nanoseconds that they ran from then until the kernel has had the time for deferred
    /// work. Waits for that.
    pub fn settled(&self) -> Result<u64> {
        std::thread::sleep(SETTLE);
        let now = Self::now()?;
        let since = |(number, ran)| ran - self.0.get(number).copied().unwrap_or(0).min(ran);
        Ok(now
            .0
            .iter()
            .map(|(number, &ran)| since((number, ran)))
            .sum())
    }
}

/// How long that kernel thread ran; `None` if it is none, or gone.
fn ran(number: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
    if flags(&stat)? & PF_KTHREAD == 0 {
        return None;
    }
    let schedstat = std::fs::read_to_string(format!("/proc/{number}/schedstat")).ok()?;
    schedstat.split_whitespace().next()?.parse().ok()
}

/// The ninth field. The second one is a name that may contain anything, between the first bracket
/// and the last.
fn flags(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(6)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_found_behind_any_name() {
        let stat = "17 (a) b (c) S 2 0 0 0 -1 69238880 0 0";
        assert_eq!(flags(stat), Some(69_238_880));
        assert_ne!(flags(stat).unwrap() & PF_KTHREAD, 0);
        assert_eq!(flags("17 (short"), None);
    }

    #[test]
    fn spans_together_last_from_the_first_to_the_last_and_their_work_adds_up() {
        let span = |start, end, cpu| Span { start, end, cpu };
        for (one, other) in [
            (span(5, 9, 3), span(2, 6, 7)),
            (span(2, 9, 7), span(5, 6, 3)),
        ] {
            let both = one.around(other);
            assert_eq!((both.start, both.end, both.cpu), (2, 9, 10));
            assert_eq!(both.ns(), 7);
        }
    }

    #[test]
    fn times_are_not_negative() {
        let span = timed(|| Ok(())).unwrap();
        assert!(span.start <= span.end);
    }
}
