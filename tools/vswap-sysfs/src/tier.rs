// SPDX-License-Identifier: GPL-2.0-only

//! A disk, as a line of `tiers` has it.

use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// How a disk does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It takes pages.
    Active,
    /// It is being removed: its pages are moved elsewhere.
    Draining,
    /// It had too many errors and takes no more pages.
    Failed,
    /// It does not answer, and takes no pages until it does.
    Stuck,
    /// A state that this crate does not know.
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

/// How far a removal is, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Progress {
    /// Moved already.
    pub moved: u64,
    /// To be moved in all.
    pub total: u64,
}

/// What protects a disk's pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Protection {
    /// They are encrypted with a key that nobody else has.
    pub encrypt: bool,
    /// They are compared with a tag when they are read.
    pub integrity: bool,
}

impl Protection {
    /// The words for it in `tier_add`, each after a blank.
    pub(crate) fn words(self) -> &'static str {
        match (self.encrypt, self.integrity) {
            (false, false) => "",
            (true, false) => " encrypt",
            (false, true) => " integrity",
            (true, true) => " encrypt integrity",
        }
    }
}

/// What a disk is to have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiskOptions {
    /// What protects its pages.
    pub protection: Protection,
    /// Whether pages stay compressed on it; if nothing is said, unless it is memory.
    pub compress: Option<bool>,
    /// Whether the disk is told which of its blocks hold nothing.
    pub discard: bool,
}

impl DiskOptions {
    /// The words for it in `tier_add`, each after a blank.
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

/// The pages that are compressed on a disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Packed {
    /// How many there are.
    pub pages: u64,
    /// Bytes that they are, compressed.
    pub bytes: u64,
    /// Bytes of the disk that hold them.
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

/// A disk. Sizes are in bytes, and 0 when the module does not say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Tier {
    /// The path it was added with.
    pub path: String,
    /// The block device's number, major and minor, if the module says it.
    pub number: Option<(u32, u32)>,
    /// Disks of higher priority are filled first.
    pub priority: i32,
    /// How it does.
    pub state: State,
    /// What fits on it.
    pub size: u64,
    /// What is on it.
    pub used: u64,
    /// What can't be used any more, because writing there failed.
    pub bad: u64,
    /// Errors so far.
    pub errors: u64,
    /// Read from it since it was added.
    pub read: u64,
    /// Written to it since it was added.
    pub written: u64,
    /// What protects its pages.
    pub protection: Protection,
    /// Pages that were not what was written, as far as they are compared.
    pub corrupt: u64,
    /// The pages that are compressed on it, if pages stay so.
    pub packed: Option<Packed>,
    /// Bytes of it that held nothing, and of which it was told. `None`: it is not told.
    pub discarded: Option<u64>,
    /// How far its removal is, while it is being removed.
    pub removal: Option<Progress>,
    /// Fields that this crate does not know, or whose values it does not understand.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub others: BTreeMap<String, String>,
}

impl Tier {
    /// The disk that the line describes. `None`: it is no such line.
    ///
    /// A field that a newer module adds, or writes in another way, costs that field only.
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

    /// Takes a field in. `None`: it or its value is not known.
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

    /// Pages that lie on it.
    pub fn pages(&self) -> u64 {
        let packed = self.packed.unwrap_or_default();
        self.used.saturating_sub(packed.segment_bytes) / crate::PAGE + packed.pages
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
