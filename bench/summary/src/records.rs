// SPDX-License-Identifier: GPL-2.0-only
//! What the guest prints.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(untagged)]
pub enum Line {
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
    pub phases: BTreeMap<String, Phase>,
    pub vmstat: BTreeMap<String, u64>,
}

#[derive(Deserialize, Serialize)]
pub struct Phase {
    pub pages: u64,
    pub ns: u64,
}
