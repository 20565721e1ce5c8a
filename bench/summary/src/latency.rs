// SPDX-License-Identifier: GPL-2.0-only
//! Peers with a slow disk, which touch more pages than fit into memory.

use crate::goal::{Bound, Goal};
use crate::records::{Record, Touches};
use crate::results::Spread;
use serde::Serialize;
use std::collections::BTreeMap;

/// The results of all peers in one phase of one workload.
#[derive(Serialize)]
pub struct Phase {
    pub workload: String,
    pub phase: String,
    pub peers: Vec<Peer>,
}

/// Spreads are those of the rounds.
#[derive(Serialize)]
pub struct Peer {
    pub name: String,
    /// Touches a second.
    pub rate: Spread,
    /// vswap's touches a second divided by this peer's, in each round.
    pub ours: Option<Spread>,
    /// Nanoseconds.
    pub p50: Spread,
    pub p99: Spread,
    pub max: Spread,
    /// vswap's longest touch divided by this peer's, in each round.
    pub our_max: Option<Spread>,
    /// Bytes on the disk.
    pub read: Spread,
    pub written: Spread,
}

pub const OURS: &str = "vswap";

/// The rounds of a phase after the warm-up, by peer and round.
type Rounds<'a> = BTreeMap<&'a str, BTreeMap<u32, (f64, Touches)>>;

/// In the order of measurement. The filling before skewed touches is left out.
pub fn phases(records: &[Record]) -> Vec<Phase> {
    let measured = || records.iter().filter(|record| record.round > 0);
    let mut order: Vec<(&str, &str)> = Vec::new();
    let mut peers: Vec<&str> = Vec::new();
    for record in measured() {
        if !peers.contains(&record.peer.as_str()) {
            peers.push(&record.peer);
        }
        let is_skewed = record.phases.contains_key("touch");
        // "fill" stands before "read-back" as it does in the alphabet.
        let names = record.phases.keys().map(String::as_str);
        for name in names.filter(|&name| !is_skewed || name == "touch") {
            if !order.contains(&(&record.workload, name)) {
                order.push((&record.workload, name));
            }
        }
    }
    peers.sort_by_key(|&peer| PEERS.iter().position(|&known| known == peer));
    let phase = |(workload, name): (&str, &str)| {
        let mut rounds = Rounds::new();
        for record in measured().filter(|record| record.workload == workload) {
            let Some(phase) = record.phases.get(name) else {
                continue;
            };
            let rate = phase.pages as f64 * 1e9 / phase.ns as f64;
            if let Some(touches) = phase.touches {
                let of = rounds.entry(record.peer.as_str()).or_default();
                of.insert(record.round, (rate, touches));
            }
        }
        Phase {
            workload: workload.to_owned(),
            phase: name.to_owned(),
            peers: peers
                .iter()
                .filter_map(|&peer| self::peer(&rounds, peer))
                .collect(),
        }
    };
    order.into_iter().map(phase).collect()
}

/// Their order in tables, whatever the order of rounds.
const PEERS: [&str; 5] = ["plain", "zram-disk", "zram-writeback", "zswap", OURS];

fn peer(rounds: &Rounds, name: &str) -> Option<Peer> {
    let own = rounds.get(name)?;
    let spread = |value: fn(&Touches) -> u64| {
        let values: Vec<f64> = own
            .values()
            .map(|(_, touches)| value(touches) as f64)
            .collect();
        Spread::of(&values)
    };
    let against = |value: fn(&(f64, Touches)) -> f64| {
        let ours = rounds.get(OURS).filter(|_| name != OURS)?;
        let ratios: Vec<f64> = own
            .iter()
            .filter_map(|(round, other)| Some(value(ours.get(round)?) / value(other)))
            .collect();
        (!ratios.is_empty()).then(|| Spread::of(&ratios))
    };
    let rates: Vec<f64> = own.values().map(|(rate, _)| *rate).collect();
    Some(Peer {
        name: name.to_owned(),
        rate: Spread::of(&rates),
        ours: against(|(rate, _)| *rate),
        p50: spread(|touches| touches.p50),
        p99: spread(|touches| touches.p99),
        max: spread(|touches| touches.max),
        our_max: against(|(_, touches)| touches.max as f64),
        read: spread(|touches| touches.disk_read),
        written: spread(|touches| touches.disk_written),
    })
}

/// All goals, measured or not.
pub fn goals(phases: &[Phase]) -> Vec<Goal> {
    let find = |workload: &str, peer: &str| {
        let phase = phases.iter().find(|phase| phase.workload == workload)?;
        phase.peers.iter().find(|candidate| candidate.name == peer)
    };
    let mut goals = Vec::new();
    for workload in ["skewed-15", "skewed-30"] {
        for peer in PEERS.into_iter().filter(|&peer| peer != OURS) {
            let least = if peer == "zswap" { 1.05 } else { 1.0 };
            goals.push(Goal {
                measure: format!("{workload}, touches a second, against {peer}"),
                measured: find(workload, peer).and_then(|peer| peer.ours),
                bound: Bound::AtLeast(least),
            });
        }
        goals.push(Goal {
            measure: format!("{workload}, worst touch, against zswap"),
            measured: find(workload, "zswap").and_then(|peer| peer.our_max),
            bound: Bound::AtMost(1.0),
        });
    }
    goals
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records;

    fn record(peer: &str, round: u32, ns: u64, max: u64) -> Record {
        let phase = |ns| records::Phase {
            pages: 1000,
            ns,
            touches: Some(Touches {
                p50: 10,
                p99: 100,
                max,
                disk_read: 1 << 20,
                disk_written: 0,
            }),
        };
        Record {
            peer: peer.to_owned(),
            round,
            workload: "skewed-15".to_owned(),
            at: None,
            phases: [("fill", phase(1)), ("touch", phase(ns))]
                .map(|(name, phase)| (name.to_owned(), phase))
                .into(),
            stat: BTreeMap::new(),
            vmstat: BTreeMap::new(),
        }
    }

    fn measured() -> Vec<Phase> {
        phases(&[
            record("vswap", 0, 1, 1),
            record("vswap", 1, 1_000_000, 300),
            record("zswap", 1, 1_100_000, 200),
            record("vswap", 2, 2_000_000, 100),
            record("zswap", 2, 2_200_000, 200),
            record("vswap", 3, 4_000_000, 100),
            record("zswap", 3, 4_000_000, 200),
        ])
    }

    #[test]
    fn rates_are_compared_within_rounds_and_without_the_warm_up() {
        let phases = measured();
        assert_eq!(phases.len(), 1);
        assert_eq!(phases[0].phase, "touch");
        let [zswap, vswap] = &phases[0].peers[..] else {
            panic!("two peers");
        };
        assert_eq!(
            (zswap.name.as_str(), vswap.name.as_str()),
            ("zswap", "vswap")
        );
        assert!((vswap.rate.median - 500_000.0).abs() < 1.0);
        assert!((zswap.ours.unwrap().median - 1.1).abs() < 1e-9);
        assert!(vswap.ours.is_none());
    }

    #[test]
    fn goals_have_a_verdict_where_they_were_measured() {
        let goals = goals(&measured());
        let verdict = |measure: &str| {
            let found = goals.iter().find(|goal| goal.measure == measure);
            found.unwrap().is_reached()
        };
        let rate = "skewed-15, touches a second, against zswap";
        assert_eq!(verdict(rate), Some(true));
        assert_eq!(verdict("skewed-15, worst touch, against zswap"), Some(true));
        assert_eq!(verdict("skewed-15, touches a second, against plain"), None);
        assert_eq!(verdict("skewed-30, worst touch, against zswap"), None);
    }
}
