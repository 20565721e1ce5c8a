// SPDX-License-Identifier: GPL-2.0-only

//! A disk, as a line of `tiers` has it.

use serde::Serialize;
use std::fmt;

/// How a disk does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It takes pages.
    Active,
    /// It is being removed: its pages are moved elsewhere.
    Draining,
    /// It had too many errors and takes no more pages.
    Failed,
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
            Self::Other(name) => name,
        })
    }
}

/// How far a removal is, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Moved already.
    pub moved: u64,
    /// To be moved in all.
    pub total: u64,
}

/// What protects a disk's pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
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

/// A disk. Sizes are in bytes, and 0 when the module does not say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tier {
    /// The path it was added with.
    pub path: String,
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
    /// How far its removal is, while it is being removed.
    pub removal: Option<Progress>,
}

impl Tier {
    /// The disk that the line describes. `None`: it is no such line.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let mut tier = Self {
            path: words
                .next()
                .filter(|path| path.starts_with('/'))?
                .to_owned(),
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
            removal: None,
        };
        for (field, value) in words.filter_map(|word| word.split_once('=')) {
            let number = || value.parse().ok();
            match field {
                "priority" => tier.priority = value.parse().ok()?,
                "state" => tier.state = value.into(),
                "size" => tier.size = number()?,
                "used" => tier.used = number()?,
                "bad" => tier.bad = number()?,
                "errors" => tier.errors = number()?,
                "read" => tier.read = number()?,
                "written" => tier.written = number()?,
                "encrypt" => tier.protection.encrypt = value == "1",
                "integrity" => tier.protection.integrity = value == "1",
                "corrupt" => tier.corrupt = number()?,
                "drained" => {
                    let (moved, total) = value.split_once('/')?;
                    tier.removal = Some(Progress {
                        moved: moved.parse().ok()?,
                        total: total.parse().ok()?,
                    });
                }
                _ => {}
            }
        }
        Some(tier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_of_today_and_one_of_tomorrow() {
        let today = "/dev/pmem0 priority=-5 state=draining size=8192 used=4096 bad=1 errors=2 read=3 written=4 encrypt=1 integrity=1 corrupt=7 drained=5/6";
        let expected = Tier {
            path: "/dev/pmem0".into(),
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
            removal: Some(Progress { moved: 5, total: 6 }),
        };
        assert_eq!(Tier::parse(today), Some(expected.clone()));
        let tomorrow = format!("{today} latency=17us quiet");
        assert_eq!(Tier::parse(&tomorrow), Some(expected));
        let less = Tier::parse("/dev/x state=asleep").expect("a line");
        assert_eq!(
            (less.state.to_string(), less.size, less.removal),
            ("asleep".into(), 0, None)
        );
    }

    #[test]
    fn what_is_no_line() {
        for line in [
            "",
            "pmem0 size=1",
            "/dev/x size=-1",
            "/dev/x drained=1",
            "/dev/x drained=a/2",
        ] {
            assert_eq!(Tier::parse(line), None, "{line:?}");
        }
    }

    proptest! {
        #[test]
        fn any_line_is_read_or_refused(line in any::<String>()) {
            let _ = Tier::parse(&line);
        }
    }
}
