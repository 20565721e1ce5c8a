// SPDX-License-Identifier: GPL-2.0-only
//! The counts of all workers, in shared memory.

use std::io::{Error, Result};
use std::sync::atomic::{AtomicU64, Ordering};

/// Wrong answers are described up to this many; counting continues.
const LISTED: u64 = 20;

/// The counts.
#[derive(Default)]
pub struct Tally {
    calls: AtomicU64,
    refused: AtomicU64,
    wrong: AtomicU64,
}

impl Tally {
    /// Counts of 0 that children share as well.
    pub fn shared() -> Result<&'static Self> {
        // SAFETY: a new mapping; zeros are valid counts, and it stays as long as the process.
        unsafe {
            let memory = libc::mmap(
                std::ptr::null_mut(),
                size_of::<Self>(),
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_ANONYMOUS,
                -1,
                0,
            );
            if memory == libc::MAP_FAILED {
                return Err(Error::last_os_error());
            }
            Ok(&*memory.cast::<Self>())
        }
    }

    /// The outcome of a system call from what it returned: a number, or an errno.
    pub fn call(&self, returned: i64) -> std::result::Result<i64, i32> {
        let error = Error::last_os_error().raw_os_error().unwrap_or(0);
        self.calls.fetch_add(1, Ordering::Relaxed);
        if returned < 0 {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return Err(error);
        }
        Ok(returned)
    }

    /// Counts a wrong answer, and describes it, unless `holds`.
    pub fn expect(&self, holds: bool, what: impl FnOnce() -> String) {
        if !holds && self.wrong.fetch_add(1, Ordering::Relaxed) < LISTED {
            eprintln!("fuzz: {}", what());
        }
    }

    /// Calls, how many of them were refused, and wrong answers.
    pub fn read(&self) -> [u64; 3] {
        [&self.calls, &self.refused, &self.wrong].map(|count| count.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_checks_are_counted() {
        let tally = Tally::default();
        assert_eq!(tally.call(7), Ok(7));
        assert!(tally.call(-1).is_err());
        tally.expect(true, || unreachable!());
        tally.expect(false, || "as it should".into());
        assert_eq!(tally.read(), [2, 1, 1]);
    }
}
