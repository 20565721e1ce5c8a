// SPDX-License-Identifier: GPL-2.0-only
//! Tables for people.

use crate::results::{Comparison, Peer, Unit, REFERENCES};
use crate::File;
use comfy_table::{presets::ASCII_MARKDOWN, CellAlignment, Table};
use std::fmt::Write;

pub fn markdown(file: &File) -> String {
    let guest = &file.guest;
    let mut text = String::from("# Benchmark\n\n");
    let _ = writeln!(
        text,
        "Linux {}, {} CPU(s), {} MiB of memory, devices of {} MiB.\n",
        guest.kernel, guest.cpus, guest.memory_mib, guest.device_mib
    );
    for (name, value) in &file.settings {
        let _ = writeln!(text, "- {name}: {value}");
    }
    let (unit, digits) = match file.unit {
        Unit::Ns => ("Microseconds", 1),
        Unit::Instructions => ("Thousands of instructions", 1),
    };
    let _ = writeln!(
        text,
        "\n{unit} a page: the median of the rounds, and the quartiles. The ratios are medians of \
         each round's ratio.\n\n{}",
        table(&file.comparisons, digits)
    );
    text
}

/// Peers in the order of the first comparison; ratios for those that are ours.
fn table(comparisons: &[Comparison], digits: usize) -> Table {
    let mut peers: Vec<&str> = Vec::new();
    for peer in comparisons.iter().flat_map(|comparison| &comparison.peers) {
        if !peers.contains(&peer.name.as_str()) {
            peers.push(&peer.name);
        }
    }
    let ratios: Vec<(&str, &str)> = peers
        .iter()
        .filter(|name| name.starts_with("vswap"))
        .flat_map(|&name| REFERENCES.map(|reference| (name, reference)))
        .filter(|(_, reference)| peers.contains(reference))
        .collect();
    let mut table = Table::new();
    table.load_preset(ASCII_MARKDOWN);
    let mut header = vec!["workload".to_owned(), "phase".to_owned()];
    header.extend(peers.iter().map(|&name| name.to_owned()));
    header.extend(ratios.iter().map(|(own, other)| format!("{own}/{other}")));
    table.set_header(header);
    for comparison in comparisons {
        let find = |name: &str| comparison.peers.iter().find(|peer| peer.name == name);
        let mut row = vec![comparison.workload.clone(), comparison.phase.clone()];
        row.extend(
            peers
                .iter()
                .map(|name| find(name).map_or(String::new(), |peer| cell(peer, digits))),
        );
        row.extend(ratios.iter().map(|(own, reference)| {
            find(own)
                .and_then(|peer| peer.ratio_to.get(*reference))
                .map_or(String::new(), |ratio| format!("{ratio:.2}"))
        }));
        table.add_row(row);
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn cell(peer: &Peer, digits: usize) -> String {
    let thousands = |value: f64| format!("{:.digits$}", value / 1000.0);
    format!(
        "{} ({}–{})",
        thousands(peer.spread.median),
        thousands(peer.spread.lower_quartile),
        thousands(peer.spread.upper_quartile)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::{Phase, Record};
    use crate::results::compare;
    use std::collections::BTreeMap;

    #[test]
    fn a_row_has_all_peers_and_the_ratios_of_ours() {
        let record = |peer: &str, ns| Record {
            peer: peer.to_owned(),
            round: 1,
            workload: "same".to_owned(),
            phases: BTreeMap::from([("write".to_owned(), Phase { pages: 1, ns })]),
            vmstat: BTreeMap::new(),
        };
        let records = [
            record("plain", 20_000),
            record("zram", 40_000),
            record("vswap", 30_000),
        ];
        let text = table(&compare(&records, Unit::Ns), 1).to_string();
        let cells: Vec<Vec<&str>> = text
            .lines()
            .map(|line| line.split('|').map(str::trim).collect())
            .collect();
        assert_eq!(cells[0][6..8], ["vswap/plain", "vswap/zram"]);
        assert_eq!(
            cells[2][1..8],
            [
                "same",
                "write",
                "20.0 (20.0–20.0)",
                "40.0 (40.0–40.0)",
                "30.0 (30.0–30.0)",
                "1.50",
                "0.75"
            ]
        );
    }
}
