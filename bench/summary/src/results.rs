// SPDX-License-Identifier: GPL-2.0-only
//! Medians, spreads and ratios.

use crate::records::{Phase, Record};
use serde::{Deserialize, Serialize};
use statrs::statistics::{Data, Max, Median, Min, OrderStatistics};
use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Nanoseconds a page
    Ns,
    /// Instructions a page, of an emulator that takes 2 ns for each
    Instructions,
}

impl Unit {
    fn per_page(self, phase: &Phase) -> Option<f64> {
        let ns = phase.ns as f64 / phase.pages as f64;
        (phase.pages > 0).then_some(match self {
            Unit::Ns => ns,
            Unit::Instructions => ns / 2.0,
        })
    }
}

/// The results of all peers in one phase of one workload.
#[derive(Deserialize, Serialize)]
pub struct Comparison {
    pub workload: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<u64>,
    pub phase: String,
    pub peers: Vec<Peer>,
}

#[derive(Debug, PartialEq, Deserialize, Serialize)]
pub struct Peer {
    pub name: String,
    #[serde(flatten)]
    pub spread: Spread,
    /// This peer's value divided by another's, in each round.
    pub ratio_to: BTreeMap<String, Spread>,
    /// A value for each round.
    pub samples: Vec<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub struct Spread {
    pub median: f64,
    pub min: f64,
    pub lower_quartile: f64,
    pub upper_quartile: f64,
    pub max: f64,
}

impl Spread {
    pub fn of(samples: &[f64]) -> Self {
        let mut data = Data::new(samples.to_vec());
        Spread {
            median: data.median(),
            min: data.min(),
            lower_quartile: data.lower_quartile(),
            upper_quartile: data.upper_quartile(),
            max: data.max(),
        }
    }
}

/// The peers that all others are compared with.
pub const REFERENCES: [&str; 2] = ["plain", "zram"];

/// In the order of the first measurement. The first round is warm-up.
pub fn compare(records: &[Record], unit: Unit) -> Vec<Comparison> {
    let mut order: Vec<(&str, Option<u64>, &str)> = Vec::new();
    let mut peers: Vec<&str> = Vec::new();
    for record in records {
        if !peers.contains(&record.peer.as_str()) {
            peers.push(&record.peer);
        }
        for phase in in_order(record) {
            let key = (record.workload.as_str(), record.at, phase);
            if !order.contains(&key) {
                order.push(key);
            }
        }
    }
    let comparison = |(workload, at, phase): (&str, Option<u64>, &str)| {
        // By peer, then by round.
        let mut values: BTreeMap<&str, BTreeMap<u32, f64>> = BTreeMap::new();
        for record in records {
            if record.workload == workload && record.at == at && record.round > 0 {
                let value = record
                    .phases
                    .get(phase)
                    .and_then(|phase| unit.per_page(phase));
                if let Some(value) = value {
                    values
                        .entry(&record.peer)
                        .or_default()
                        .insert(record.round, value);
                }
            }
        }
        let measured = peers.iter().filter_map(|&name| {
            let own = values.get(name)?;
            let samples: Vec<f64> = own.values().copied().collect();
            let ratio_to = REFERENCES
                .into_iter()
                .filter(|&reference| reference != name)
                .filter_map(|reference| {
                    let ratio = ratio(own, values.get(reference)?)?;
                    Some((reference.to_owned(), ratio))
                })
                .collect();
            Some(Peer {
                name: name.to_owned(),
                spread: Spread::of(&samples),
                ratio_to,
                samples,
            })
        });
        Comparison {
            workload: workload.to_owned(),
            at,
            phase: phase.to_owned(),
            peers: measured.collect(),
        }
    };
    order
        .into_iter()
        .map(comparison)
        .filter(|comparison| !comparison.peers.is_empty())
        .collect()
}

/// Phases in their order, others after them.
fn in_order(record: &Record) -> Vec<&str> {
    const KNOWN: [&str; 10] = [
        "fill",
        "access",
        "run",
        "write",
        "read",
        "free",
        "free-total",
        "swapoff",
        "exit",
        "exit-total",
    ];
    let mut phases: Vec<&str> = record.phases.keys().map(String::as_str).collect();
    phases.sort_by_key(|phase| {
        let place = KNOWN.iter().position(|known| known == phase);
        place.unwrap_or(KNOWN.len())
    });
    phases
}

/// Divides values that are close in time, which cancels what slows both down.
fn ratio(own: &BTreeMap<u32, f64>, reference: &BTreeMap<u32, f64>) -> Option<Spread> {
    let ratios: Vec<f64> = own
        .iter()
        .filter_map(|(round, value)| Some(value / reference.get(round)?))
        .collect();
    (!ratios.is_empty()).then(|| Spread::of(&ratios))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(peer: &str, round: u32, ns: u64) -> Record {
        let phases = BTreeMap::from([("write".to_owned(), Phase::of(10, ns))]);
        Record {
            peer: peer.to_owned(),
            round,
            workload: "same".to_owned(),
            at: None,
            phases,
            stat: BTreeMap::new(),
            vmstat: BTreeMap::new(),
        }
    }

    fn records() -> Vec<Record> {
        let mut records = Vec::new();
        // The third round was slow for both.
        for (round, plain, vswap) in [(0, 9000, 9000), (1, 100, 120), (2, 110, 121), (3, 500, 650)]
        {
            records.push(record("plain", round, plain));
            records.push(record("vswap", round, vswap));
        }
        records
    }

    fn close(got: f64, expected: f64) {
        assert!((got - expected).abs() < 1e-9, "{got} is not {expected}");
    }

    #[test]
    fn the_first_round_is_dropped_and_the_median_is_of_the_rest() {
        let comparisons = compare(&records(), Unit::Ns);
        assert_eq!(comparisons.len(), 1);
        let plain = &comparisons[0].peers[0];
        assert_eq!(plain.samples, [10.0, 11.0, 50.0]);
        close(plain.spread.median, 11.0);
        close(plain.spread.min, 10.0);
        close(plain.spread.max, 50.0);
    }

    #[test]
    fn ratios_are_taken_within_rounds() {
        let comparisons = compare(&records(), Unit::Ns);
        let vswap = &comparisons[0].peers[1];
        close(vswap.ratio_to["plain"].median, 1.2);
        assert!(!vswap.ratio_to.contains_key("zram"));
    }

    #[test]
    fn an_instruction_is_two_nanoseconds() {
        let comparisons = compare(&records(), Unit::Instructions);
        close(comparisons[0].peers[0].spread.median, 5.5);
    }

    #[test]
    fn repetitions_with_different_sizes_are_kept_apart() {
        let mut records = records();
        for (at, record) in records.iter_mut().enumerate() {
            record.at = Some(at as u64 % 2);
        }
        let comparisons = compare(&records, Unit::Ns);
        let sizes: Vec<_> = comparisons.iter().map(|comparison| comparison.at).collect();
        assert_eq!(sizes, [Some(0), Some(1)]);
        // One of them is plain's, the other one vswap's.
        assert!(comparisons.iter().all(|each| each.peers.len() == 1));
    }

    #[test]
    fn a_warm_up_alone_gives_nothing() {
        assert!(compare(&[record("plain", 0, 1)], Unit::Ns).is_empty());
    }
}
