// SPDX-License-Identifier: GPL-2.0-only

//! The statistics: counted per CPU, summed when they are read.

use super::sync::{AtomicI64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $variant:ident => $name:literal, $kind:ident;)*) => {
        /// The counters. Their names are those of the `stat` attribute and carry the unit.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Counter {
            $($(#[$doc])* $variant,)*
        }

        impl Counter {
            /// All counters, in the order in which they are shown.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name shown.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Whether the counter is a present amount, or counts events.
            pub const fn kind(self) -> Kind {
                match self { $(Self::$variant => Kind::$kind,)* }
            }
        }
    };
}

/// Whether a counter returns to 0 by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A present amount: 0 again when nothing is stored.
    Level,
    /// How often something happened since swapon.
    Event,
}

counters! {
    /// Slots in use: the sum of those that each tier holds.
    UsedSlots => "used_slots", Level;
    /// Slots whose page is one repeated word, held in the entry itself.
    SameFilledSlots => "same_filled_slots", Level;
    /// Slots whose page lies in the ram tier, compressed or not.
    RamSlots => "ram_slots", Level;
    /// Slots of the ram tier whose page is incompressible and kept as it is.
    RawSlots => "raw_slots", Level;
    /// Slots whose page lies on a disk.
    DiskSlots => "disk_slots", Level;
    /// Those of them whose page is compressed there.
    PackedSlots => "packed_slots", Level;
    /// Slots whose page lay on a disk that was abandoned.
    LostSlots => "lost_slots", Level;
    /// Bytes of the objects in the ram tier, raw ones included.
    CompressedBytes => "compressed_bytes", Level;
    /// Clusters of 512 slots that exist, because a slot in them is in use.
    Clusters => "clusters", Level;
    /// Those of them that need no table, as all their pages lie in one physical cluster.
    WholeClusters => "whole_clusters", Level;
    /// Pages that could not be stored and stayed in memory.
    FailedStores => "failed_stores", Event;
    /// Look-ups of a slot's cluster.
    Lookups => "lookups", Event;
    /// Look-ups that the CPU's last used cluster did not answer.
    MruMisses => "mru_misses", Event;
    /// Pages read that were one repeated word.
    SameLoads => "same_loads", Event;
    /// Pages stored in the ram tier, or moved there.
    RamStores => "ram_stores", Event;
    /// Pages read from the ram tier.
    RamLoads => "ram_loads", Event;
    /// Pages read from a disk.
    DiskLoads => "disk_loads", Event;
    /// Pages that writeback moved from the ram tier to a disk.
    WrittenBackPages => "written_back_pages", Event;
    /// Packed pages that were read ahead for a sequential reader.
    ReadAheadPages => "readahead_pages", Event;
    /// Pages that had been read ahead when they were needed.
    ReadAheadLoads => "readahead_loads", Event;
    /// Pages that were moved within a disk, to free the segments that they were in.
    CleanedPages => "cleaned_pages", Event;
    /// Pages that were moved away from a disk that was being removed.
    DrainedPages => "drained_pages", Event;
    /// Pages of the ram tier that were compressed again.
    RecompressedPages => "recompressed_pages", Event;
    /// Stores that waited for writeback to make room.
    ThrottledStores => "throttled_stores", Event;
    /// Pages that a disk failed to take and that were stored elsewhere.
    RetriedPages => "retried_pages", Event;
}

const COUNTERS: usize = Counter::ALL.len();

/// A number of things, as a count.
#[inline]
pub fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Adds `by` to a counter of this CPU.
///
/// Only tasks that stay on this CPU write to it, and no interrupt does. So nobody else writes
/// meanwhile, and no atomic addition is needed, unless tasks that stay on a CPU can be preempted.
#[inline]
pub fn add(counter: &AtomicI64, by: i64) {
    if cfg!(CONFIG_PREEMPT_RT) {
        counter.fetch_add(by, Ordering::Relaxed);
    } else {
        let value = counter.load(Ordering::Relaxed).wrapping_add(by);
        counter.store(value, Ordering::Relaxed);
    }
}

/// One CPU's counters. The alignment keeps other CPUs off its cache lines.
#[derive(Debug, Default)]
#[repr(align(64))]
pub struct PerCpu([AtomicI64; COUNTERS]);

#[allow(clippy::indexing_slicing, reason = "there is a place for each counter")]
impl PerCpu {
    /// Adds `by`, which may be negative, to one counter. Called by a task that stays on the CPU whose
    /// counters these are, and never from an interrupt.
    #[inline]
    pub fn add(&self, counter: Counter, by: i64) {
        add(&self.0[counter as usize], by);
    }

    /// This CPU's part of a counter. A part may be negative: one CPU stores what another frees.
    pub fn get(&self, counter: Counter) -> i64 {
        self.0[counter as usize].load(Ordering::Relaxed)
    }

    /// Resets the counters of events to 0. Nobody adds to them meanwhile.
    pub fn reset_events(&self) {
        for counter in Counter::ALL {
            if counter.kind() == Kind::Event {
                self.0[*counter as usize].store(0, Ordering::Relaxed);
            }
        }
    }
}

/// A counter's value: the sum over all CPUs, exact when nothing changes.
pub fn total<'a>(cpus: impl Iterator<Item = &'a PerCpu>, counter: Counter) -> i64 {
    cpus.fold(0, |sum, cpu| sum.wrapping_add(cpu.get(counter)))
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn parts_of_two_cpus_add_up() {
        let cpus = [PerCpu::default(), PerCpu::default()];
        cpus[0].add(Counter::RamSlots, 3);
        cpus[0].add(Counter::Lookups, 1);
        cpus[1].add(Counter::RamSlots, -2);
        assert_eq!(total(cpus.iter(), Counter::RamSlots), 1);
        assert_eq!(total(cpus.iter(), Counter::Lookups), 1);
        cpus.iter().for_each(PerCpu::reset_events);
        assert_eq!(total(cpus.iter(), Counter::RamSlots), 1);
        assert_eq!(total(cpus.iter(), Counter::Lookups), 0);
    }

    #[test]
    fn names_are_unique_and_places_distinct() {
        for (place, counter) in Counter::ALL.iter().enumerate() {
            assert_eq!(*counter as usize, place);
            assert!(Counter::ALL
                .iter()
                .skip(place + 1)
                .all(|other| other.name() != counter.name()));
        }
    }
}
