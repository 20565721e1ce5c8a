// SPDX-License-Identifier: GPL-2.0-only
//! The output: one line of JSON a run.

use crate::clock::Span;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Result;

/// What the caller knows of the run, to be repeated in its record.
#[derive(clap::Args, Clone, Serialize)]
pub struct Labels {
    #[arg(long)]
    peer: String,
    #[arg(long)]
    round: u32,
    #[arg(long)]
    workload: String,
    /// What the workload is repeated for: a size, or how many there are of something
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<u64>,
}

#[derive(Default, Serialize)]
struct Phase {
    pages: u64,
    ns: u64,
    #[serde(flatten)]
    touches: Option<Touches>,
}

/// The result of a phase that times each touch of a page, and watches a disk.
#[derive(Serialize)]
pub struct Touches {
    /// Nanoseconds that half of the touches took at most.
    pub p50: u64,
    pub p99: u64,
    pub max: u64,
    /// Bytes that the disk read and wrote meanwhile.
    pub disk_read: u64,
    pub disk_written: u64,
}

#[derive(Serialize)]
pub struct Record {
    #[serde(flatten)]
    labels: Labels,
    phases: BTreeMap<String, Phase>,
    /// The device's statistics.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub stat: BTreeMap<String, u64>,
    /// By how much the kernel's counters grew.
    vmstat: BTreeMap<&'static str, u64>,
    #[serde(skip)]
    before: BTreeMap<&'static str, u64>,
}

const COUNTERS: [&str; 5] = ["pswpin", "pswpout", "zswpin", "zswpout", "thp_swpout"];

fn vmstat() -> Result<BTreeMap<&'static str, u64>> {
    let text = std::fs::read_to_string("/proc/vmstat")?;
    Ok(text
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter_map(|(name, value)| {
            let name = COUNTERS.into_iter().find(|&counter| counter == name)?;
            Some((name, value.parse().ok()?))
        })
        .collect())
}

impl Record {
    pub fn new(labels: &Labels) -> Result<Self> {
        Ok(Record {
            labels: labels.clone(),
            phases: BTreeMap::new(),
            stat: BTreeMap::new(),
            vmstat: BTreeMap::new(),
            before: vmstat()?,
        })
    }

    /// Adds a phase; several of the same name are summed up.
    pub fn add(&mut self, phase: &str, span: Span, pages: u64) {
        self.add_ns(phase, span.ns(), pages);
    }

    pub fn add_ns(&mut self, phase: &str, ns: u64, pages: u64) {
        let phase = self.phases.entry(phase.to_owned()).or_default();
        phase.ns += ns;
        phase.pages += pages;
    }

    /// Adds a phase that occurs once.
    pub fn add_touches(&mut self, phase: &str, span: Span, pages: u64, touches: Touches) {
        self.add(phase, span, pages);
        if let Some(phase) = self.phases.get_mut(phase) {
            phase.touches = Some(touches);
        }
    }

    pub fn print(mut self) -> Result<()> {
        self.vmstat = vmstat()?;
        for (name, value) in &mut self.vmstat {
            *value -= self.before.get(name).copied().unwrap_or(0);
        }
        println!("{}", serde_json::to_string(&self)?);
        Ok(())
    }
}
