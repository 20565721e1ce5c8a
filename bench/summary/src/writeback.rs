// SPDX-License-Identifier: GPL-2.0-only
//! How fast pages are written back, against how fast they are decompressed.

use crate::goal::{Bound, Goal};
use crate::records::Record;
use crate::results::{self, Comparison, Spread, Unit};
use serde::Serialize;

/// zram, whose pages are read, and vswap, which writes the same pages to disks.
const WAYS: [(&str, &str); 3] = [
    ("zram", "decompressed"),
    ("vswap-pmem", "written back to memory"),
    ("vswap-delay", "written back to a disk that takes its time"),
];
/// The target, as a share of the previous speed.
const LEAST: f64 = 0.8;
const PAGE_MIB: f64 = 1.0 / 256.0;

#[derive(Serialize)]
pub struct Way {
    pub name: &'static str,
    /// MiB of pages a second.
    pub speed: Spread,
    /// A value for each round.
    samples: Vec<f64>,
}

/// Their measurements, in order.
pub fn ways(records: &[Record]) -> Vec<Way> {
    let comparisons = results::compare(records, Unit::Ns);
    let peers = |comparison: &Comparison| comparison.workload == "writeback";
    let Some(comparison) = comparisons.into_iter().find(peers) else {
        return Vec::new();
    };
    let way = |(peer, name): (&str, &'static str)| {
        let peer = comparison.peers.iter().find(|known| known.name == peer)?;
        let speed = |ns: &f64| PAGE_MIB * 1e9 / ns;
        let samples: Vec<f64> = peer.samples.iter().map(speed).collect();
        Some(Way {
            name,
            speed: Spread::of(&samples),
            samples,
        })
    };
    WAYS.into_iter().filter_map(way).collect()
}

/// Each way's speed divided by that of the one before, in each round.
pub fn goals(ways: &[Way]) -> Vec<Goal> {
    let goal = |pair: &[Way]| {
        let [before, own] = pair else {
            return None;
        };
        let rounds = own.samples.iter().zip(&before.samples);
        let ratios: Vec<f64> = rounds.map(|(own, before)| own / before).collect();
        Some(Goal {
            measure: format!("{}, against {}", own.name, before.name),
            measured: Some(Spread::of(&ratios)),
            bound: Bound::AtLeast(LEAST),
        })
    };
    ways.windows(2).filter_map(goal).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::Phase;
    use std::collections::BTreeMap;

    #[test]
    fn each_way_is_put_in_relation_to_the_one_before() {
        let record = |peer: &str, ns| Record {
            peer: peer.to_owned(),
            round: 1,
            workload: "writeback".to_owned(),
            at: None,
            phases: BTreeMap::from([("run".to_owned(), Phase::of(256, ns))]),
            stat: BTreeMap::new(),
            vmstat: BTreeMap::new(),
        };
        let ways = ways(&[
            record("vswap-pmem", 10_000_000),
            record("vswap-delay", 40_000_000),
            record("zram", 8_000_000),
        ]);
        assert!((ways[0].speed.median - 125.0).abs() < 1e-9);
        let reached: Vec<_> = goals(&ways).iter().map(Goal::is_reached).collect();
        assert_eq!(reached, [Some(true), Some(false)]);
    }
}
