// SPDX-License-Identifier: GPL-2.0-only
//! A device's statistics: vswap's `stat`, a name and a value a line, or zram's
//! `mm_stat`, numbers in a row.

use std::collections::BTreeMap;
use std::io::{Error, Result};
use std::path::Path;

/// The first numbers of zram's `mm_stat`, in bytes, under vswap's names for them.
const MM_STAT: [&str; 3] = ["stored_bytes", "compressed_bytes", "pool_bytes"];
/// The levels among vswap's values that are reported.
const LEVELS: [&str; 5] = [
    "used_slots",
    "metadata_bytes",
    "table_bytes",
    "compressed_bytes",
    "pool_bytes",
];
/// The events whose difference is reported.
const EVENTS: [&str; 2] = ["lookups", "mru_hits"];

/// Values by name.
#[derive(Debug, Default, PartialEq)]
pub struct Stat(BTreeMap<String, u64>);

impl Stat {
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)?;
        Self::parse(&text).ok_or_else(|| Error::other(format!("{}: not known", path.display())))
    }

    fn parse(text: &str) -> Option<Self> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let numbers: Option<Vec<u64>> = words.iter().map(|word| word.parse().ok()).collect();
        if let Some(numbers) = numbers.filter(|numbers| numbers.len() >= MM_STAT.len()) {
            let names = MM_STAT.iter().map(|&name| name.to_owned());
            let mut values: BTreeMap<String, u64> = names.zip(numbers).collect();
            let pages = values.get("stored_bytes")? / crate::content::PAGE as u64;
            values.insert("used_slots".to_owned(), pages);
            return Some(Stat(values));
        }
        let values = text.lines().map(|line| {
            let (name, value) = line.split_once(' ')?;
            Some((name.to_owned(), value.trim().parse().ok()?))
        });
        let values: Option<BTreeMap<String, u64>> = values.collect();
        values
            .filter(|values| values.contains_key("used_slots"))
            .map(Stat)
    }

    pub fn used_slots(&self) -> u64 {
        self.0.get("used_slots").copied().unwrap_or(0)
    }

    /// The values to report for a device that was filled: its levels then, and by how much the
    /// events grew from `before` to `after`.
    pub fn told(&self, before: &Stat, after: &Stat) -> BTreeMap<String, u64> {
        let levels = LEVELS.iter().filter_map(|&name| {
            let value = *self.0.get(name)?;
            Some((name.to_owned(), value))
        });
        let events = EVENTS.iter().filter_map(|&name| {
            let grown = after.0.get(name)?.checked_sub(*before.0.get(name)?)?;
            Some((name.to_owned(), grown))
        });
        levels.chain(events).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_formats_are_read() {
        let zram = Stat::parse("    8192     2000    12288        0    12288 1 0 0 0\n").unwrap();
        assert_eq!(zram.used_slots(), 2);
        let vswap = Stat::parse("used_slots 7\npool_bytes 4096\n").unwrap();
        assert_eq!(vswap.used_slots(), 7);
        assert!(Stat::parse("").is_none());
        assert!(Stat::parse("a b\n").is_none());
    }

    #[test]
    fn levels_are_those_of_the_filled_device_and_events_differences() {
        let stat = |used, hits| {
            Stat::parse(&format!(
                "used_slots {used}\nmru_hits {hits}\nlookups 20\nx 1\n"
            ))
            .unwrap()
        };
        let told = stat(9, 5).told(&stat(0, 1), &stat(0, 8));
        let expected = [("lookups", 0), ("mru_hits", 7), ("used_slots", 9)];
        assert_eq!(
            told,
            expected
                .map(|(name, value)| (name.to_owned(), value))
                .into()
        );
    }
}
