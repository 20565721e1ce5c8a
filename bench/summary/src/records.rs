// SPDX-License-Identifier: GPL-2.0-only
//! The guest's output.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Record(Record),
    Guest(Guest),
}

#[derive(Deserialize, Serialize)]
pub struct Guest {
    pub kernel: String,
    pub cpus: u32,
    pub memory_mib: u64,
    pub device_mib: u64,
}

/// A run of one workload on one peer.
#[derive(Deserialize, Serialize)]
pub struct Record {
    pub peer: String,
    pub round: u32,
    pub workload: String,
    /// The value that the workload was repeated for: a size, or a number of something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<u64>,
    pub phases: BTreeMap<String, Phase>,
    /// The device's statistics when it was filled; for `lookups` and `mru_hits`, by how
    /// much they grew.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub stat: BTreeMap<String, u64>,
    pub vmstat: BTreeMap<String, u64>,
}

#[derive(Deserialize, Serialize)]
pub struct Phase {
    pub pages: u64,
    pub ns: u64,
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub touches: Option<Touches>,
}

#[cfg(test)]
impl Phase {
    pub fn of(pages: u64, ns: u64) -> Self {
        Phase {
            pages,
            ns,
            touches: None,
        }
    }
}

/// The touches of a phase that times each of them: nanoseconds, and bytes.
#[derive(Clone, Copy, Deserialize, Serialize)]
pub struct Touches {
    pub p50: u64,
    pub p99: u64,
    pub max: u64,
    pub disk_read: u64,
    pub disk_written: u64,
}

/// The guest and its records; lines that are not JSON are ignored.
pub fn read(path: &Path) -> Result<(Guest, Vec<Record>), Box<dyn Error>> {
    let text = std::fs::read_to_string(path)?;
    let (mut guest, mut records) = (None, Vec::new());
    for line in text.lines().filter(|line| line.starts_with('{')) {
        match serde_json::from_str(line)? {
            Line::Guest(line) => guest = Some(line),
            Line::Record(record) => records.push(record),
        }
    }
    let guest =
        guest.ok_or_else(|| format!("{}: the guest did not describe itself", path.display()))?;
    Ok((guest, records))
}
