// SPDX-License-Identifier: GPL-2.0-only

//! When writeback from the ram tier begins, and when it stops.

use super::config::Refusal;
use super::sync::{AtomicU64, Ordering};

/// Two shares of a limit, in percent, the low one below the high one.
#[derive(Debug)]
pub struct Watermarks {
    high: AtomicU64,
    low: AtomicU64,
}

impl Default for Watermarks {
    fn default() -> Self {
        Self {
            high: AtomicU64::new(95),
            low: AtomicU64::new(92),
        }
    }
}

fn share(limit: u64, percent: &AtomicU64) -> u64 {
    (limit / 100).saturating_mul(percent.load(Ordering::Relaxed))
}

impl Watermarks {
    /// Bytes above which writeback begins, with a limit of `limit` bytes.
    #[inline]
    pub fn high(&self, limit: u64) -> u64 {
        share(limit, &self.high)
    }

    /// Bytes at which writeback stops, with a limit of `limit` bytes.
    pub fn low(&self, limit: u64) -> u64 {
        share(limit, &self.low)
    }

    /// The high one in percent.
    pub fn high_percent(&self) -> u64 {
        self.high.load(Ordering::Relaxed)
    }

    /// The low one in percent.
    pub fn low_percent(&self) -> u64 {
        self.low.load(Ordering::Relaxed)
    }

    /// Changes the high one. One caller at a time.
    pub fn set_high(&self, percent: u64) -> Result<(), Refusal> {
        if percent <= self.low_percent() {
            return Err(Refusal::WatermarksCross);
        }
        self.high.store(percent, Ordering::Relaxed);
        Ok(())
    }

    /// Changes the low one. One caller at a time.
    pub fn set_low(&self, percent: u64) -> Result<(), Refusal> {
        if percent >= self.high_percent() {
            return Err(Refusal::WatermarksCross);
        }
        self.low.store(percent, Ordering::Relaxed);
        Ok(())
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn watermarks_are_shares_and_do_not_cross() {
        let marks = Watermarks::default();
        assert_eq!((marks.high(1000), marks.low(1000)), (950, 920));
        assert_eq!(marks.high(u64::MAX), u64::MAX / 100 * 95);
        assert_eq!(marks.set_low(95), Err(Refusal::WatermarksCross));
        assert_eq!(marks.set_high(92), Err(Refusal::WatermarksCross));
        assert_eq!(marks.set_low(50), Ok(()));
        assert_eq!(marks.set_high(51), Ok(()));
        assert_eq!((marks.high_percent(), marks.low_percent()), (51, 50));
    }
}
