// SPDX-License-Identifier: GPL-2.0-only
//! vswap's targets, and whether it reaches them.

use crate::results::{Comparison, Peer, Spread};
use serde::{Deserialize, Serialize};

/// A target: at most that many times a reference's value.
struct Criterion {
    measure: &'static str,
    workload: &'static str,
    phases: &'static [&'static str],
    peer: &'static str,
    reference: &'static str,
    most: f64,
}

const CRITERIA: [Criterion; 6] = [
    Criterion {
        measure: "memhog",
        workload: "memhog",
        phases: &["run"],
        peer: "vswap",
        reference: "plain",
        most: 0.80,
    },
    Criterion {
        measure: "same-filled",
        workload: "same",
        phases: &["write", "read"],
        peer: "vswap",
        reference: "zram",
        most: 0.85,
    },
    Criterion {
        measure: "compressible",
        workload: "compressible",
        phases: &["write", "read"],
        peer: "vswap",
        reference: "zram",
        most: 0.95,
    },
    Criterion {
        measure: "time to free after compressible",
        workload: "compressible",
        phases: &["free", "free-total"],
        peer: "vswap",
        reference: "zram",
        most: 0.70,
    },
    Criterion {
        measure: "disk only",
        workload: "random",
        phases: &["write", "read"],
        peer: "vswap-disk",
        reference: "plain",
        most: 1.00,
    },
    Criterion {
        measure: "time to free, disk only",
        workload: "random",
        phases: &["free", "free-total"],
        peer: "vswap-disk",
        reference: "plain",
        most: 1.10,
    },
];

/// Instructions a page in vswap.ko, disk only: written, read back and freed.
const MOST_INSTRUCTIONS: f64 = 1000.0;

/// A criterion and its measurement.
#[derive(Debug, Deserialize, Serialize)]
pub struct Row {
    pub measure: String,
    /// The number of rounds, and the ratios in them; none if this run did not measure it.
    pub measured: Option<(usize, Spread)>,
    pub most: f64,
}

impl Row {
    /// To the digits that are shown.
    pub fn is_reached(&self) -> Option<bool> {
        let (_, ratio) = self.measured.as_ref()?;
        Some((ratio.median * 100.0).round() <= (self.most * 100.0).round())
    }
}

fn find<'a>(
    comparisons: &'a [Comparison],
    workload: &str,
    phase: &str,
    peer: &str,
) -> Option<&'a Peer> {
    let of =
        |comparison: &&Comparison| comparison.workload == workload && comparison.phase == phase;
    let peers = &comparisons.iter().find(of)?.peers;
    peers.iter().find(|candidate| candidate.name == peer)
}

/// Round by round, in the order of measurement.
fn ratios(
    comparisons: &[Comparison],
    criterion: &Criterion,
    workload: &str,
    phase: &str,
) -> Option<Vec<f64>> {
    let own = find(comparisons, workload, phase, criterion.peer)?;
    let reference = find(comparisons, workload, phase, criterion.reference)?;
    divided(&own.samples, &reference.samples)
}

fn divided(own: &[f64], by: &[f64]) -> Option<Vec<f64>> {
    (own.len() == by.len()).then(|| own.iter().zip(by).map(|(own, by)| own / by).collect())
}

/// All rows, measured or not; `instructions` are those a page in vswap.ko.
pub fn rows(comparisons: &[Comparison], instructions: Option<f64>) -> Vec<Row> {
    let spread = |ratios: &Vec<f64>| (ratios.len(), Spread::of(ratios));
    let (mut alone, mut together) = (Vec::new(), Vec::new());
    for criterion in &CRITERIA {
        for &phase in criterion.phases {
            let name = match phase {
                "run" | "free" => String::new(),
                "free-total" => ", with what is done later".to_owned(),
                phase => format!(", {phase}"),
            };
            let measure = format!(
                "{}{name}, against {}",
                criterion.measure, criterion.reference
            );
            let of = |workload: &str| ratios(comparisons, criterion, workload, phase);
            let one = of(criterion.workload);
            let many = of(&format!("{}-8-processes", criterion.workload));
            alone.push(Row {
                measure: measure.clone(),
                measured: one.as_ref().map(spread),
                most: criterion.most,
            });
            // The ratio with many, divided by that with one.
            let worse = one.zip(many).and_then(|(one, many)| divided(&many, &one));
            together.push(Row {
                measure: format!("8 processes, by what it is with one: {measure}"),
                measured: worse.as_ref().map(spread),
                most: 1.0,
            });
        }
    }
    alone.extend(together);
    alone.push(Row {
        measure: "thousands of instructions a page in vswap.ko, disk only: write, read and free"
            .to_owned(),
        measured: instructions.map(|count| (1, Spread::of(&[count / MOST_INSTRUCTIONS]))),
        most: MOST_INSTRUCTIONS / 1000.0,
    });
    alone
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn comparison(workload: &str, phase: &str, peers: &[(&str, [f64; 3])]) -> Comparison {
        Comparison {
            workload: workload.to_owned(),
            at: None,
            phase: phase.to_owned(),
            peers: peers
                .iter()
                .map(|(name, samples)| Peer {
                    name: (*name).to_owned(),
                    spread: Spread::of(samples),
                    ratio_to: BTreeMap::new(),
                    samples: samples.to_vec(),
                })
                .collect(),
        }
    }

    fn row<'a>(rows: &'a [Row], measure: &str) -> &'a Row {
        rows.iter().find(|row| row.measure == measure).unwrap()
    }

    #[test]
    fn a_row_is_reached_when_the_median_of_the_ratios_is_low_enough() {
        for (own, reached) in [([8.0, 4.0, 16.0], true), ([8.1, 4.0, 17.0], false)] {
            let run = comparison(
                "memhog",
                "run",
                &[("plain", [10.0, 5.0, 20.0]), ("vswap", own)],
            );
            let rows = rows(&[run], None);
            let row = row(&rows, "memhog, against plain");
            assert_eq!(row.measured.as_ref().unwrap().0, 3);
            assert_eq!(row.is_reached(), Some(reached));
        }
    }

    #[test]
    fn many_processes_are_compared_with_one() {
        let one = [("zram", [10.0; 3]), ("vswap", [9.0; 3])];
        let many = [("zram", [20.0; 3]), ("vswap", [20.0; 3])];
        let rows = rows(
            &[
                comparison("same", "write", &one),
                comparison("same-8-processes", "write", &many),
            ],
            None,
        );
        let row = row(
            &rows,
            "8 processes, by what it is with one: same-filled, write, against zram",
        );
        let (_, ratio) = row.measured.as_ref().unwrap();
        assert!((ratio.median - 1.0 / 0.9).abs() < 1e-9);
        assert_eq!(row.is_reached(), Some(false));
    }

    #[test]
    fn missing_measurements_have_no_verdict() {
        assert!(rows(&[], None).iter().all(|row| row.is_reached().is_none()));
        let rows = rows(&[], Some(999.0));
        let verdicts = rows.iter().filter_map(Row::is_reached);
        assert_eq!(verdicts.collect::<Vec<_>>(), [true]);
    }
}
