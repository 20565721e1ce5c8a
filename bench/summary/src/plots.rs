// SPDX-License-Identifier: GPL-2.0-only
//! The plots of a comparison: which bars and lines there are.

use crate::figure::{Bars, Figure, Lines, Panel};
use crate::latency::{self, Phase};
use crate::results::{Comparison, Peer, Spread, Unit};
use crate::tables;

/// A plot and the name of its files.
pub struct Plot {
    pub name: &'static str,
    pub figure: Figure,
}

const CONTENTS: [&str; 4] = ["same", "compressible", "random", "mixed"];
const PAGES_PER_MIB: f64 = 256.0;

/// The value drawn for a peer.
type Value = fn(Unit, &Peer) -> Option<Spread>;

/// Pages in a unit of the measurement: MiB a second, or pages per million instructions.
fn throughput(unit: Unit, peer: &Peer) -> Option<Spread> {
    let per = match unit {
        Unit::Ns => 1e9 / PAGES_PER_MIB,
        Unit::Instructions => 1e6,
    };
    Some(map(&peer.spread, |value| per / value))
}

fn cost(_: Unit, peer: &Peer) -> Option<Spread> {
    Some(map(&peer.spread, |value| value / 1000.0))
}

fn against_plain(_: Unit, peer: &Peer) -> Option<Spread> {
    if peer.name == "plain" {
        return Some(Spread::of(&[1.0]));
    }
    Some(map(peer.ratio_to.get("plain")?, |value| value))
}

/// Values that decrease have their ends exchanged.
fn map(spread: &Spread, change: impl Fn(f64) -> f64) -> Spread {
    let ordered = |one: f64, other: f64| {
        (
            change(one).min(change(other)),
            change(one).max(change(other)),
        )
    };
    let (lower_quartile, upper_quartile) = ordered(spread.lower_quartile, spread.upper_quartile);
    let (min, max) = ordered(spread.min, spread.max);
    Spread {
        median: change(spread.median),
        min,
        lower_quartile,
        upper_quartile,
        max,
    }
}

/// Groups of bars, one for each workload and phase that was measured.
fn groups(
    comparisons: &[Comparison],
    unit: Unit,
    wanted: &[(String, &str, String)],
    value: Value,
) -> Bars {
    let group = |(workload, phase, label): &(String, &str, String)| {
        let of = |comparison: &&Comparison| {
            comparison.workload == *workload && comparison.phase == *phase
        };
        let found = comparisons.iter().find(of)?;
        let bar = |peer: &Peer| Some((peer.name.clone(), value(unit, peer)?));
        Some((label.clone(), found.peers.iter().filter_map(bar).collect()))
    };
    Bars(wanted.iter().filter_map(group).collect())
}

fn contents(
    comparisons: &[Comparison],
    unit: Unit,
    suffix: &str,
    phase: &str,
    value: Value,
) -> Bars {
    let wanted = CONTENTS.map(|content| {
        let phase: &str = phase;
        (format!("{content}{suffix}"), phase, content.to_owned())
    });
    groups(comparisons, unit, &wanted, value)
}

/// All plots for which there is something to show.
pub fn of_comparisons(comparisons: &[Comparison], unit: Unit) -> Vec<Plot> {
    let (throughput_of, cost_of) = match unit {
        Unit::Ns => (
            "MiB a second (higher is better)",
            "µs a page (lower is better)",
        ),
        Unit::Instructions => (
            "pages per million instructions",
            "thousand instructions a page",
        ),
    };
    let by_content = |name, title: &str, suffix: &str, panels: &[(&str, &str, &str, Value)]| {
        let panel = |&(title, axis, phase, value): &(&str, &str, &str, Value)| Panel {
            title: title.to_owned(),
            axis: axis.to_owned(),
            mark: None,
            drawn: contents(comparisons, unit, suffix, phase, value).into(),
        };
        Plot {
            name,
            figure: Figure {
                title: title.to_owned(),
                panels: panels.iter().map(panel).collect(),
            },
        }
    };
    let swapping: [(&str, &str, &str, Value); 2] = [
        ("write out", throughput_of, "write", throughput),
        ("read back", throughput_of, "read", throughput),
    ];
    let freeing: [(&str, &str, &str, Value); 2] = [
        ("until it is done", cost_of, "free", cost),
        (
            "CPU time, with what is done later",
            cost_of,
            "free-total",
            cost,
        ),
    ];
    let pressure = [
        ("memhog", "run", "memhog"),
        ("memhog-8-processes", "run", "8 memhogs"),
        ("churn", "access", "churn"),
        ("compile", "run", "compile"),
        ("swapoff", "swapoff", "swapoff"),
        ("exit", "exit", "exit"),
    ]
    .map(|(workload, phase, label)| (workload.to_owned(), phase, label.to_owned()));
    let pressure = Plot {
        name: "pressure",
        figure: Figure {
            title: "Under pressure, and at the end".to_owned(),
            panels: vec![Panel {
                title: "against plain swap".to_owned(),
                axis: "times as long (lower is better)".to_owned(),
                mark: Some(1.0),
                drawn: groups(comparisons, unit, &pressure, against_plain).into(),
            }],
        },
    };
    let plots = [
        by_content("throughput", "Throughput by contents", "", &swapping),
        by_content(
            "free",
            "Freeing what is swapped out, by contents",
            "",
            &freeing,
        ),
        by_content(
            "throughput-8-processes",
            "Throughput of 8 processes at once",
            "-8-processes",
            &swapping,
        ),
        by_content(
            "free-8-processes",
            "Freeing what 8 processes have swapped out",
            "-8-processes",
            &freeing,
        ),
        pressure,
    ];
    let has_something = |plot: &Plot| {
        plot.figure
            .panels
            .iter()
            .any(|panel| !panel.drawn.is_empty())
    };
    plots.into_iter().filter(has_something).collect()
}

/// Touches a second, and the longest touch, by what was touched.
pub fn of_touches(phases: &[Phase]) -> Vec<Plot> {
    let panel = |title: &str, axis: &str, value: fn(&latency::Peer) -> Spread| {
        let group = |phase: &Phase| {
            let bars = phase
                .peers
                .iter()
                .map(|peer| (peer.name.clone(), value(peer)));
            let label = match phase.phase.as_str() {
                "touch" => phase.workload.clone(),
                name => format!("{}: {name}", phase.workload),
            };
            (label, bars.collect())
        };
        Panel {
            title: title.to_owned(),
            axis: axis.to_owned(),
            mark: None,
            drawn: Bars(phases.iter().map(group).collect()).into(),
        }
    };
    vec![Plot {
        name: "touches",
        figure: Figure {
            title: "More than memory, and a disk that takes its time".to_owned(),
            panels: vec![
                panel("how many", "touches a second (higher is better)", |peer| {
                    peer.rate
                }),
                panel("the longest", "ms (lower is better)", |peer| {
                    map(&peer.max, |ns| ns / 1e6)
                }),
            ],
        },
    }]
}

/// A workload that was repeated for different sizes, and what its plot is called.
pub struct Theme {
    pub workload: &'static str,
    pub name: &'static str,
    title: &'static str,
    axis: &'static str,
}

pub const THEMES: [Theme; 4] = [
    Theme {
        workload: "virtual-size",
        name: "scaling-virtual-size",
        title: "Cost by virtual size",
        axis: "GiB",
    },
    Theme {
        workload: "slots-in-use",
        name: "scaling-slots-in-use",
        title: "Cost by what is swapped out already",
        axis: "MiB",
    },
    Theme {
        workload: "cpus",
        name: "scaling-cpus",
        title: "Cost by CPUs, each with a process",
        axis: "CPUs",
    },
    Theme {
        workload: "tiers",
        name: "scaling-tiers",
        title: "Cost by disks behind it",
        axis: "disks",
    },
];

/// How a workload's phases depend on the value it was repeated for.
pub fn of_theme(theme: &Theme, comparisons: &[Comparison], unit: Unit) -> Plot {
    let mut phases: Vec<&str> = Vec::new();
    for comparison in comparisons {
        if !phases.contains(&comparison.phase.as_str()) {
            phases.push(&comparison.phase);
        }
    }
    let panel = |&phase: &&str| {
        let of_phase = || {
            comparisons
                .iter()
                .filter(|comparison| comparison.phase == phase)
        };
        let line = |name: &&str| {
            let point = |comparison: &Comparison| {
                let peer = comparison.peers.iter().find(|peer| peer.name == **name)?;
                Some((comparison.at? as f64, cost(unit, peer)?))
            };
            ((*name).to_owned(), of_phase().filter_map(point).collect())
        };
        Panel {
            title: phase.to_owned(),
            axis: format!("{} a page", tables::unit(unit)),
            mark: None,
            drawn: Lines {
                axis: theme.axis.to_owned(),
                lines: tables::peers(comparisons).iter().map(line).collect(),
            }
            .into(),
        }
    };
    Plot {
        name: theme.name,
        figure: Figure {
            title: theme.title.to_owned(),
            panels: phases.iter().map(panel).collect(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quartiles_of_a_throughput_are_in_order() {
        let throughput = map(&Spread::of(&[1.0, 2.0, 4.0]), |value| 8.0 / value);
        assert!(throughput.lower_quartile < throughput.median);
        assert!(throughput.median < throughput.upper_quartile);
        assert!((throughput.max - 8.0).abs() < 1e-9);
    }
}
