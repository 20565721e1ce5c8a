// SPDX-License-Identifier: GPL-2.0-only

//! Traffic to and from disks: counted per CPU, summed when it is read.

use super::sync::{AtomicU64, Ordering};

/// The least length of a transfer that counts as large, in bytes.
pub const LARGE: u64 = 64 << 10;

/// The direction of a transfer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// From a disk.
    Read,
    /// To a disk.
    Write,
}

/// One CPU's counters, in bytes. The alignment keeps other CPUs off its cache line.
#[derive(Debug, Default)]
#[repr(align(64))]
pub struct Traffic {
    read: AtomicU64,
    written: AtomicU64,
    large: AtomicU64,
}

/// Sums, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// What was read.
    pub read: u64,
    /// What was written.
    pub written: u64,
    /// What was written in transfers of [`LARGE`] or more.
    pub large: u64,
}

impl Traffic {
    /// Counts a transfer. Called by a task that stays on the CPU whose counters these are, and
    /// never from an interrupt.
    #[inline]
    pub fn count(&self, direction: Direction, bytes: u64) {
        match direction {
            Direction::Read => add(&self.read, bytes),
            Direction::Write => {
                add(&self.written, bytes);
                if bytes >= LARGE {
                    add(&self.large, bytes);
                }
            }
        }
    }

    /// Resets the counters to 0. Nobody adds to them meanwhile.
    pub fn reset(&self) {
        for counter in [&self.read, &self.written, &self.large] {
            counter.store(0, Ordering::Relaxed);
        }
    }
}

/// As [`counters::add`](super::counters::add).
#[inline]
fn add(counter: &AtomicU64, bytes: u64) {
    if cfg!(CONFIG_PREEMPT_RT) {
        counter.fetch_add(bytes, Ordering::Relaxed);
    } else {
        let value = counter.load(Ordering::Relaxed).wrapping_add(bytes);
        counter.store(value, Ordering::Relaxed);
    }
}

/// The sums over all CPUs.
pub fn total<'a>(cpus: impl Iterator<Item = &'a Traffic>) -> Totals {
    cpus.fold(Totals::default(), |sum, cpu| Totals {
        read: sum.read.wrapping_add(cpu.read.load(Ordering::Relaxed)),
        written: sum
            .written
            .wrapping_add(cpu.written.load(Ordering::Relaxed)),
        large: sum.large.wrapping_add(cpu.large.load(Ordering::Relaxed)),
    })
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn pieces_add_up() {
        let cpus = [Traffic::default(), Traffic::default()];
        cpus[0].count(Direction::Read, 4096);
        cpus[0].count(Direction::Write, LARGE - 1);
        cpus[1].count(Direction::Write, LARGE);
        let totals = Totals {
            read: 4096,
            written: 2 * LARGE - 1,
            large: LARGE,
        };
        assert_eq!(total(cpus.iter()), totals);
        cpus.iter().for_each(Traffic::reset);
        assert_eq!(total(cpus.iter()), Totals::default());
    }
}
