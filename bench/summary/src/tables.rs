// SPDX-License-Identifier: GPL-2.0-only
//! Tables for people.

use crate::criteria::Row;
use crate::goal::{Bound, Goal};
use crate::latency;
use crate::memory::Memory;
use crate::results::{Comparison, Spread, Unit, REFERENCES};
use crate::writeback::Way;
use comfy_table::{presets::ASCII_MARKDOWN, CellAlignment, Table};

/// A table with that header, whose columns from `right` on are numbers.
fn table(header: Vec<String>, rows: Vec<Vec<String>>, right: usize) -> String {
    let mut table = Table::new();
    table.load_preset(ASCII_MARKDOWN);
    table.set_header(header);
    for row in rows {
        table.add_row(row);
    }
    for column in table.column_iter_mut().skip(right) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}

/// Peers in the order in which they first appear.
pub fn peers(comparisons: &[Comparison]) -> Vec<&str> {
    let mut peers: Vec<&str> = Vec::new();
    for peer in comparisons.iter().flat_map(|comparison| &comparison.peers) {
        if !peers.contains(&peer.name.as_str()) {
            peers.push(&peer.name);
        }
    }
    peers
}

/// The first cells of a row of a comparison.
fn labels(comparison: &Comparison) -> Vec<String> {
    let mut labels = vec![comparison.workload.clone()];
    labels.extend(comparison.at.map(|at| at.to_string()));
    labels.push(comparison.phase.clone());
    labels
}

fn header(comparisons: &[Comparison]) -> Vec<String> {
    let at = comparisons.iter().any(|comparison| comparison.at.is_some());
    let mut header = vec!["workload".to_owned()];
    header.extend(at.then(|| "at".to_owned()));
    header.push("phase".to_owned());
    header
}

/// The unit of the measurement, in thousands a page.
pub fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Ns => "Microseconds",
        Unit::Instructions => "Thousands of instructions",
    }
}

/// Medians and quartiles of all peers, in thousands.
pub fn medians(comparisons: &[Comparison]) -> String {
    let (peers, mut head) = (peers(comparisons), header(comparisons));
    let right = head.len();
    head.extend(peers.iter().map(|&name| name.to_owned()));
    let rows = comparisons.iter().map(|comparison| {
        let mut row = labels(comparison);
        row.extend(peers.iter().map(|&name| {
            let peer = comparison.peers.iter().find(|peer| peer.name == name);
            peer.map_or(String::new(), |peer| cell(&peer.spread))
        }));
        row
    });
    table(head, rows.collect(), right)
}

fn cell(spread: &Spread) -> String {
    // Frees are short: values below a thousand need another digit.
    let digits = if spread.median < 1000.0 { 2 } else { 1 };
    let thousands = |value: f64| format!("{:.digits$}", value / 1000.0);
    format!(
        "{} ({}–{})",
        thousands(spread.median),
        thousands(spread.lower_quartile),
        thousands(spread.upper_quartile)
    )
}

/// The ratios of vswap's peers to the references.
pub fn ratios(comparisons: &[Comparison]) -> String {
    let (peers, mut head) = (peers(comparisons), header(comparisons));
    let right = head.len();
    let pairs: Vec<(&str, &str)> = peers
        .iter()
        .filter(|name| name.starts_with("vswap"))
        .flat_map(|&name| REFERENCES.map(|reference| (name, reference)))
        .filter(|(_, reference)| peers.contains(reference))
        .collect();
    head.extend(pairs.iter().map(|(own, other)| format!("{own} / {other}")));
    let rows = comparisons.iter().map(|comparison| {
        let mut row = labels(comparison);
        row.extend(pairs.iter().map(|&(own, reference)| {
            let peer = comparison.peers.iter().find(|peer| peer.name == own);
            let ratio = peer.and_then(|peer| peer.ratio_to.get(reference));
            ratio.map_or(String::new(), self::ratio)
        }));
        row
    });
    table(head, rows.collect(), right)
}

fn ratio(ratio: &Spread) -> String {
    format!(
        "{:.2} ({:.2}–{:.2})",
        ratio.median, ratio.lower_quartile, ratio.upper_quartile
    )
}

fn verdict(is_reached: Option<bool>) -> String {
    let verdict = match is_reached {
        Some(true) => "reached",
        Some(false) => "not reached",
        None => "not measured",
    };
    verdict.to_owned()
}

/// The targets.
pub fn criteria(rows: &[Row]) -> String {
    let head = ["measure", "", "rounds", "measured", "at most"];
    let cells = rows.iter().map(|row| {
        let (rounds, measured) = match &row.measured {
            Some((rounds, spread)) => (rounds.to_string(), ratio(spread)),
            None => (String::new(), String::new()),
        };
        let most = format!("{:.2}", row.most);
        vec![
            row.measure.clone(),
            verdict(row.is_reached()),
            rounds,
            measured,
            most,
        ]
    });
    table(head.map(str::to_owned).to_vec(), cells.collect(), 2)
}

/// The targets, with bounds of either kind.
pub fn goals(goals: &[Goal]) -> String {
    let head = ["measure", "", "measured", "bound"];
    let rows = goals.iter().map(|goal| {
        let bound = match goal.bound {
            Bound::AtLeast(bound) => format!("at least {bound:.2}"),
            Bound::AtMost(bound) => format!("at most {bound:.2}"),
        };
        vec![
            goal.measure.clone(),
            verdict(goal.is_reached()),
            goal.measured.as_ref().map_or(String::new(), ratio),
            bound,
        ]
    });
    table(head.map(str::to_owned).to_vec(), rows.collect(), 2)
}

/// Touches of more pages than fit into memory, a peer a row.
pub fn touches(phase: &latency::Phase) -> String {
    let head = [
        "peer",
        "touches a second",
        "ratio",
        "p50, µs",
        "p99, ms",
        "max, ms",
        "read, MiB",
        "written, MiB",
    ];
    let rows = phase.peers.iter().map(|peer| {
        let mib = |bytes: &Spread| format!("{:.0}", bytes.median / f64::from(1 << 20));
        vec![
            peer.name.clone(),
            format!(
                "{:.0} ({:.0}–{:.0})",
                peer.rate.median, peer.rate.lower_quartile, peer.rate.upper_quartile
            ),
            peer.ours.as_ref().map_or(String::new(), ratio),
            format!("{:.1}", peer.p50.median / 1e3),
            format!("{:.2}", peer.p99.median / 1e6),
            format!("{:.0}", peer.max.median / 1e6),
            mib(&peer.read),
            mib(&peer.written),
        ]
    });
    table(head.map(str::to_owned).to_vec(), rows.collect(), 1)
}

/// How fast pages were written back.
pub fn speeds(ways: &[Way]) -> String {
    let rows = ways.iter().map(|way| {
        let speed = &way.speed;
        let (lower, upper) = (speed.lower_quartile, speed.upper_quartile);
        vec![
            way.name.to_owned(),
            format!("{:.1} ({lower:.1}–{upper:.1})", speed.median),
        ]
    });
    let head = ["pages", "MiB a second"].map(str::to_owned);
    table(head.to_vec(), rows.collect(), 1)
}

/// What slots in use cost, and how often the last used cluster was right.
pub fn memory(all: &[Memory]) -> String {
    let at = all.iter().any(|memory| memory.at.is_some());
    let head = [
        "workload",
        if at { "at" } else { "" },
        "peer",
        "slots in use",
        "metadata, KiB",
        "bytes a slot in use",
        "pool, bytes a slot",
        "last used cluster was right",
    ];
    let head = head.iter().filter(|name| !name.is_empty());
    let rows = all.iter().map(|memory| {
        let slots = memory.slots as f64;
        let hits = memory.lookups.filter(|&(lookups, _)| lookups > 0);
        let mut row = vec![memory.workload.clone()];
        row.extend(memory.at.map(|at| at.to_string()));
        row.extend([
            memory.peer.clone(),
            memory.slots.to_string(),
            (memory.metadata / 1024).to_string(),
            format!("{:.2}", memory.metadata as f64 / slots),
            format!("{:.0}", memory.pool as f64 / slots),
            hits.map_or(String::new(), |(lookups, hits)| {
                format!("{:.2} %", 100.0 * hits as f64 / lookups as f64)
            }),
        ]);
        row
    });
    let head = head.map(|&name| name.to_owned());
    table(head.collect(), rows.collect(), 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::{Phase, Record};
    use crate::results::compare;
    use std::collections::BTreeMap;

    fn cells(text: &str) -> Vec<Vec<&str>> {
        text.lines()
            .map(|line| line.split('|').map(str::trim).collect())
            .collect()
    }

    #[test]
    fn a_row_has_all_peers_and_the_ratios_of_ours() {
        let record = |peer: &str, ns| Record {
            peer: peer.to_owned(),
            round: 1,
            workload: "same".to_owned(),
            at: None,
            phases: BTreeMap::from([("write".to_owned(), Phase::of(1, ns))]),
            stat: BTreeMap::new(),
            vmstat: BTreeMap::new(),
        };
        let comparisons = compare(
            &[
                record("plain", 20_000),
                record("zram", 40_000),
                record("vswap", 900),
            ],
            Unit::Ns,
        );
        let text = medians(&comparisons);
        assert_eq!(
            cells(&text)[2][1..6],
            [
                "same",
                "write",
                "20.0 (20.0–20.0)",
                "40.0 (40.0–40.0)",
                "0.90 (0.90–0.90)",
            ]
        );
        let text = ratios(&comparisons);
        assert_eq!(cells(&text)[0][3..5], ["vswap / plain", "vswap / zram"]);
        assert_eq!(
            cells(&text)[2][3..5],
            ["0.04 (0.04–0.04)", "0.02 (0.02–0.02)"]
        );
    }

    #[test]
    fn a_criterion_that_was_not_measured_says_so() {
        let row = |median: Option<f64>| Row {
            measure: "x".to_owned(),
            measured: median.map(|median| (5, Spread::of(&[median]))),
            most: 0.8,
        };
        let text = criteria(&[row(None), row(Some(0.8)), row(Some(0.81))]);
        let verdicts: Vec<&str> = cells(&text)[2..].iter().map(|cells| cells[2]).collect();
        assert_eq!(verdicts, ["not measured", "reached", "not reached"]);
    }
}
