// SPDX-License-Identifier: GPL-2.0-only

//! A disk: a line of `tiers`.

use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// The state of a disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It takes pages.
    Active,
    /// It is being removed: its pages are moving elsewhere.
    Draining,
    /// It had too many errors and takes no pages.
    Failed,
    /// It does not answer, and takes no pages until it does.
    Stuck,
    /// An unknown state.
    #[serde(untagged)]
    Other(String),
}

impl From<&str> for State {
    fn from(name: &str) -> Self {
        match name {
            "active" => Self::Active,
            "draining" => Self::Draining,
            "failed" => Self::Failed,
            "stuck" => Self::Stuck,
            _ => Self::Other(name.to_owned()),
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Active => "active",
            Self::Draining => "draining",
            Self::Failed => "failed",
            Self::Stuck => "stuck",
            Self::Other(name) => name,
        })
    }
}

/// The progress of a removal, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Progress {
    /// Bytes that have moved.
    pub moved: u64,
    /// Bytes that have to move in all.
    pub total: u64,
}

/// How a disk's pages are protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Protection {
    /// They are encrypted, with a key that exists in memory only.
    pub encrypt: bool,
    /// They are compared with a tag when they are read.
    pub integrity: bool,
}

impl Protection {
    /// The words for it in `tier_add`, each with a blank before it.
    pub(crate) fn words(self) -> &'static str {
        match (self.encrypt, self.integrity) {
            (false, false) => "",
            (true, false) => " encrypt",
            (false, true) => " integrity",
            (true, true) => " encrypt integrity",
        }
    }
}

/// The options of a disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiskOptions {
    /// How its pages are protected.
    pub protection: Protection,
    /// Whether pages stay compressed on it. `None`: unless it is memory.
    pub compress: Option<bool>,
    /// Whether the disk is told which of its blocks hold nothing.
    pub discard: bool,
}

impl DiskOptions {
    /// The words for them in `tier_add`, each with a blank before it.
    pub(crate) fn words(self) -> String {
        let compress = match self.compress {
            None => "",
            Some(true) => " compress=on",
            Some(false) => " compress=off",
        };
        let discard = if self.discard { " discard" } else { "" };
        format!("{}{compress}{discard}", self.protection.words())
    }
}

/// The compressed pages on a disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Packed {
    /// Their number.
    pub pages: u64,
    /// Their compressed size in bytes.
    pub bytes: u64,
    /// Bytes of the disk that are allocated for them.
    pub segment_bytes: u64,
    /// Bytes of such pages that came to the disk since it was added.
    #[serde(default)]
    pub stored: u64,
    /// Bytes that were written for them, and for cleaning.
    #[serde(default)]
    pub written: u64,
}

impl Packed {
    /// Bytes written for each byte that came. `None`: nothing came.
    pub fn amplification(&self) -> Option<f64> {
        (self.stored != 0).then(|| self.written as f64 / self.stored as f64)
    }
}

/// A disk. Sizes are in bytes, and 0 if the module does not tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Tier {
    /// The path with which it was added.
    pub path: String,
    /// The block device's number, major and minor, if the module tells.
    pub number: Option<(u32, u32)>,
    /// Disks of higher priority are filled first.
    pub priority: i32,
    /// Its state.
    pub state: State,
    /// Its size.
    pub size: u64,
    /// Bytes in use.
    pub used: u64,
    /// Bytes that are unusable because writing there failed.
    pub bad: u64,
    /// Errors so far.
    pub errors: u64,
    /// Bytes read since it was added.
    pub read: u64,
    /// Bytes written since it was added.
    pub written: u64,
    /// How its pages are protected.
    pub protection: Protection,
    /// Pages that were not what was written, if they are compared.
    pub corrupt: u64,
    /// The compressed pages on it, if pages stay compressed.
    pub packed: Option<Packed>,
    /// Bytes that were discarded. `None`: the disk has no discards.
    pub discarded: Option<u64>,
    /// The progress of its removal, while it is being removed.
    pub removal: Option<Progress>,
    /// Unknown fields, or fields with an unknown value.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub others: BTreeMap<String, String>,
}

impl Tier {
    /// The disk that the line describes. `None`: the line has another form.
    ///
    /// An unknown field, or one with an unknown value, has no effect on the others.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let mut tier = Self {
            path: words
                .next()
                .filter(|path| path.starts_with('/'))?
                .to_owned(),
            number: None,
            priority: 0,
            state: State::Active,
            size: 0,
            used: 0,
            bad: 0,
            errors: 0,
            read: 0,
            written: 0,
            protection: Protection::default(),
            corrupt: 0,
            packed: None,
            discarded: None,
            removal: None,
            others: BTreeMap::new(),
        };
        for (field, value) in words.filter_map(|word| word.split_once('=')) {
            if tier.set(field, value).is_none() {
                tier.others.insert(field.to_owned(), value.to_owned());
            }
        }
        Some(tier)
    }

    /// Parses a field. `None`: it or its value is unknown.
    fn set(&mut self, field: &str, value: &str) -> Option<()> {
        let number = || value.parse().ok();
        match field {
            "dev" => self.number = Some(pair(value, ':')?),
            "priority" => self.priority = value.parse().ok()?,
            "state" => self.state = value.into(),
            "size" => self.size = number()?,
            "used" => self.used = number()?,
            "bad" => self.bad = number()?,
            "errors" => self.errors = number()?,
            "read" => self.read = number()?,
            "written" => self.written = number()?,
            "encrypt" => self.protection.encrypt = value == "1",
            "integrity" => self.protection.integrity = value == "1",
            "corrupt" => self.corrupt = number()?,
            "compress" if value == "1" => drop(self.packed()),
            "packed_pages" => self.packed().pages = number()?,
            "packed_bytes" => self.packed().bytes = number()?,
            "segment_bytes" => self.packed().segment_bytes = number()?,
            "packed_stored" => self.packed().stored = number()?,
            "packed_written" => self.packed().written = number()?,
            "discard" if value == "1" => drop(self.discarded.get_or_insert_default()),
            "discarded" => self.discarded = Some(number()?),
            "drained" => {
                let (moved, total) = pair(value, '/')?;
                self.removal = Some(Progress { moved, total });
            }
            _ => return None,
        }
        Some(())
    }

    fn packed(&mut self) -> &mut Packed {
        self.packed.get_or_insert_default()
    }

    /// How many pages lie on it.
    pub fn pages(&self) -> u64 {
        let packed = self.packed.unwrap_or_default();
        self.used.saturating_sub(packed.segment_bytes) / crate::page_bytes() + packed.pages
    }
}

/// Two numbers with that character between them.
fn pair<T: std::str::FromStr>(text: &str, between: char) -> Option<(T, T)> {
    let (first, second) = text.split_once(between)?;
    Some((first.parse().ok()?, second.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn options_are_words() {
        let options = DiskOptions {
            protection: Protection {
                encrypt: true,
                integrity: false,
            },
            compress: Some(false),
            discard: true,
        };
        assert_eq!(options.words(), " encrypt compress=off discard");
        assert_eq!(DiskOptions::default().words(), "");
    }

    #[test]
    fn a_line_of_today_and_one_of_tomorrow() {
        let today = "/dev/pmem0 dev=259:3 priority=-5 state=draining size=8192 used=4096 bad=1 errors=2 read=3 written=4 encrypt=1 integrity=1 corrupt=7 discard=1 discarded=8192 compress=1 packed_pages=3 packed_bytes=3000 segment_bytes=4096 packed_stored=4000 packed_written=5000 drained=5/6";
        let expected = Tier {
            path: "/dev/pmem0".into(),
            number: Some((259, 3)),
            priority: -5,
            state: State::Draining,
            size: 8192,
            used: 4096,
            bad: 1,
            errors: 2,
            read: 3,
            written: 4,
            protection: Protection {
                encrypt: true,
                integrity: true,
            },
            corrupt: 7,
            discarded: Some(8192),
            packed: Some(Packed {
                pages: 3,
                bytes: 3000,
                segment_bytes: 4096,
                stored: 4000,
                written: 5000,
            }),
            removal: Some(Progress { moved: 5, total: 6 }),
            others: BTreeMap::new(),
        };
        assert_eq!(Tier::parse(today), Some(expected.clone()));
        let tomorrow = format!("{today} latency=17us quiet errors=some");
        let others = [("latency", "17us"), ("errors", "some")];
        let expected = Tier {
            others: others.map(|(a, b)| (a.into(), b.into())).into(),
            ..expected
        };
        assert_eq!(Tier::parse(&tomorrow), Some(expected));
        let less = Tier::parse("/dev/x state=asleep").expect("a line");
        assert_eq!(
            (less.state.to_string(), less.size, less.removal),
            ("asleep".into(), 0, None)
        );
    }

    #[test]
    fn what_is_no_line() {
        for line in ["", "pmem0 size=1", "# a remark"] {
            assert_eq!(Tier::parse(line), None, "{line:?}");
        }
    }

    #[test]
    fn a_value_that_makes_no_sense_costs_no_more_than_itself() {
        let line = "/dev/x size=-1 drained=a/2 drained=1 dev=8 used=4096";
        let tier = Tier::parse(line).expect("a line");
        assert_eq!((tier.size, tier.removal, tier.used), (0, None, 4096));
        assert_eq!(tier.others.len(), 3);
    }

    proptest! {
        #[test]
        fn any_line_is_read_or_refused(line in any::<String>()) {
            let _ = Tier::parse(&line);
        }
    }
}
