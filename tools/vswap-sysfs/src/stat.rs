// SPDX-License-Identifier: GPL-2.0-only

//! The statistics in `stat`, and their meaning.

use serde::Serialize;
use std::collections::BTreeMap;

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Pages, or the slots that hold them.
    Pages,
    /// Bytes.
    Bytes,
    /// Events or objects.
    Number,
}

/// Whether a figure goes up and down, or only up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The present value.
    Level,
    /// The number since the device was swapped on.
    Event,
}

/// A figure that this crate knows.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    /// Its name in `stat`.
    pub name: &'static str,
    /// What it counts.
    pub unit: Unit,
    /// Whether it only goes up.
    pub kind: Kind,
    /// What it means, in a sentence.
    pub meaning: &'static str,
}

/// The figures of one reading, without those that the module lacks.
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
            /// 0 if the module does not tell.
            pub fn $name(&self) -> u64 {
                self.get(stringify!($name)).unwrap_or(0)
            })*
        }
    };
}

figures! {
    used_slots Pages Level "Slots in use: the sum of same-filled, ram, disk and lost slots.";
    same_filled_slots Pages Level "Slots whose page repeats one word, which the slot's entry itself holds.";
    ram_slots Pages Level "Slots whose page lies in compressed memory.";
    raw_slots Pages Level "Ram slots whose page did not compress and is kept uncompressed.";
    disk_slots Pages Level "Slots whose page lies on a disk.";
    packed_slots Pages Level "Disk slots whose page is compressed on the disk.";
    lost_slots Pages Level "Slots whose page was given up when its disk was removed; reading one is an error.";
    compressed_bytes Bytes Level "The size of the pages in compressed memory as they are stored.";
    clusters Number Level "Groups of 512 slots with at least one in use.";
    whole_clusters Number Level "Clusters that need no table because all their pages lie together on one disk.";
    failed_stores Pages Event "Pages that found no room and stayed in memory.";
    lookups Number Event "Look-ups of a cluster.";
    mru_hits Number Event "Look-ups that the CPU's last used cluster answered.";
    mru_misses Number Event "Look-ups that the CPU's last used cluster did not answer.";
    same_loads Pages Event "Pages read that repeat one word.";
    ram_stores Pages Event "Pages stored in compressed memory, or moved there.";
    ram_loads Pages Event "Pages read from compressed memory.";
    disk_loads Pages Event "Pages read from disks.";
    written_back_pages Pages Event "Pages that writeback moved from memory to a disk.";
    readahead_pages Pages Event "Compressed pages that were read ahead from a disk for a sequential reader.";
    readahead_loads Pages Event "Pages that had been read ahead when they were needed.";
    cleaned_pages Pages Event "Pages that were moved within a disk to free the space around them.";
    drained_pages Pages Event "Pages that were moved away from a disk that was being removed.";
    recompressed_pages Pages Event "Pages in compressed memory that were compressed again with zstd.";
    throttled_stores Number Event "Stores that waited for writeback to make room.";
    retried_pages Pages Event "Pages that a disk failed to take and that were stored elsewhere.";
    disk_read_bytes Bytes Event "Bytes read from disks.";
    disk_write_bytes Bytes Event "Bytes written to disks.";
    disk_large_write_bytes Bytes Event "Bytes written to disks in pieces of 64 KiB or more.";
    pool_bytes Bytes Level "Memory that the pool of compressed pages takes, including unused room in it; ram_limit limits it.";
    table_bytes Bytes Level "Memory for the tables of slots.";
    metadata_bytes Bytes Level "Memory for these tables and all other data about slots and disks.";
    withheld_slots Pages Level "Free slots that the kernel does not count because nothing has room for their pages.";
}

impl Stat {
    /// Reads `name value` lines. Ignores lines with another form.
    pub fn parse(text: &str) -> Self {
        let pairs = text.lines().filter_map(|line| {
            let (name, value) = line.trim().split_once(' ')?;
            // A sum over CPUs may be negative while they count.
            let value = value.trim().parse::<i64>().ok()?;
            Some((name.to_owned(), value.try_into().unwrap_or(0)))
        });
        Self(pairs.collect())
    }

    /// The figure with that name, even an unknown one.
    pub fn get(&self, name: &str) -> Option<u64> {
        self.0.get(name).copied()
    }

    /// All figures.
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
