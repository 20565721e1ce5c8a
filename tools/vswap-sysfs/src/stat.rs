// SPDX-License-Identifier: GPL-2.0-only

//! The statistics, as `stat` has them, and what each of them means.

use serde::Serialize;
use std::collections::BTreeMap;

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Pages, or the slots that hold them.
    Pages,
    /// Bytes.
    Bytes,
    /// Things that happened, or that are there.
    Number,
}

/// Whether a figure goes up and down, or only up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// How much there is now.
    Level,
    /// How much there was since the device was swapped on.
    Event,
}

/// A figure that this crate knows.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    /// Its name in `stat`.
    pub name: &'static str,
    /// What it counts.
    pub unit: Unit,
    /// Whether it goes only up.
    pub kind: Kind,
    /// A sentence that says what it is.
    pub meaning: &'static str,
}

/// The figures of one reading; those that the module does not have are missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Stat(BTreeMap<String, u64>);

macro_rules! figures {
    ($($name:ident $unit:ident $kind:ident $meaning:literal;)*) => {
        /// All figures that this crate knows, in the order of `stat`.
        pub const FIGURES: &[Figure] = &[$(Figure {
            name: stringify!($name),
            unit: Unit::$unit,
            kind: Kind::$kind,
            meaning: $meaning,
        },)*];

        impl Stat {
            $(#[doc = $meaning] ///
            /// 0 when the module does not say.
            pub fn $name(&self) -> u64 {
                self.get(stringify!($name)).unwrap_or(0)
            })*
        }
    };
}

figures! {
    used_slots Pages Level "Slots in use: the sum of the same-filled, the ram, the disk and the lost ones.";
    same_filled_slots Pages Level "Slots whose page repeats one word, which the slot's entry itself holds.";
    ram_slots Pages Level "Slots whose page lies in compressed memory.";
    raw_slots Pages Level "Those of the ram slots whose page did not compress and is kept as it is.";
    disk_slots Pages Level "Slots whose page lies on a disk.";
    packed_slots Pages Level "Slots whose page lies on a disk compressed, among others.";
    lost_slots Pages Level "Slots whose page was given up with its disk; reading one is an error.";
    compressed_bytes Bytes Level "What the pages in compressed memory amount to, each as it is stored.";
    clusters Number Level "Groups of 512 slots of which at least one is in use.";
    whole_clusters Number Level "Those of the clusters that need no table, as all their pages lie together on one disk.";
    failed_stores Pages Event "Pages that found no room and stayed in memory.";
    lookups Number Event "Look-ups of a cluster.";
    mru_hits Number Event "Those of the look-ups that the CPU's last used cluster answered.";
    mru_misses Number Event "Those of the look-ups that it did not answer.";
    same_loads Pages Event "Pages read that repeat one word.";
    ram_stores Pages Event "Pages stored in compressed memory, or moved there.";
    ram_loads Pages Event "Pages read from compressed memory.";
    disk_loads Pages Event "Pages read from disks.";
    written_back_pages Pages Event "Pages that writeback moved from memory to a disk.";
    readahead_pages Pages Event "Compressed pages that were read ahead from a disk, as their slots were asked for in order.";
    readahead_loads Pages Event "Pages that had been read ahead when they were asked for.";
    cleaned_pages Pages Event "Pages that were moved within a disk, so that what was around them gets free.";
    drained_pages Pages Event "Pages that were moved away from a disk that was being removed.";
    recompressed_pages Pages Event "Pages in compressed memory that were compressed anew with zstd.";
    throttled_stores Number Event "Stores that waited for writeback to make room.";
    retried_pages Pages Event "Pages that a disk failed to take and that were stored elsewhere.";
    disk_read_bytes Bytes Event "What was read from disks.";
    disk_write_bytes Bytes Event "What was written to disks.";
    disk_large_write_bytes Bytes Event "The part of what was written to disks that went in pieces of 64 KiB or more.";
    pool_bytes Bytes Level "What compressed memory takes for its pages, with what is lost between them; ram_limit is its limit.";
    table_bytes Bytes Level "What the tables of the slots take.";
    metadata_bytes Bytes Level "What the tables take with everything else that is known of slots and disks.";
    withheld_slots Pages Level "Free slots that the kernel does not count, as nothing has room for their pages.";
}

impl Stat {
    /// Reads `name value` lines. Lines that are something else are left out.
    pub fn parse(text: &str) -> Self {
        let pairs = text.lines().filter_map(|line| {
            let (name, value) = line.trim().split_once(' ')?;
            // A sum over CPUs may be below zero while they count.
            let value = value.trim().parse::<i64>().ok()?;
            Some((name.to_owned(), value.try_into().unwrap_or(0)))
        });
        Self(pairs.collect())
    }

    /// The figure of that name, known to this crate or not.
    pub fn get(&self, name: &str) -> Option<u64> {
        self.0.get(name).copied()
    }

    /// All figures that there are.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(name, value)| (name.as_str(), *value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use vswap_engine::counters::{self, Counter};

    #[test]
    fn unknown_names_are_kept_and_missing_ones_are_0() {
        let stat = Stat::parse("used_slots 7\nwarp_factor 9\nnonsense\nram_slots -1\nx y\n");
        assert_eq!(stat.used_slots(), 7);
        assert_eq!(stat.get("warp_factor"), Some(9));
        assert_eq!(stat.ram_slots(), 0);
        assert_eq!(stat.disk_slots(), 0);
        assert_eq!(stat.get("disk_slots"), None);
        assert_eq!(stat.iter().count(), 3);
    }

    #[test]
    fn each_counter_of_the_module_is_known() {
        for counter in Counter::ALL {
            let figure = FIGURES.iter().find(|figure| figure.name == counter.name());
            let figure = figure.unwrap_or_else(|| panic!("{} is missing", counter.name()));
            let level = counter.kind() == counters::Kind::Level;
            assert_eq!(figure.kind == Kind::Level, level, "{}", figure.name);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in any::<String>()) {
            let _ = Stat::parse(&text);
        }
    }
}
