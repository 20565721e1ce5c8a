// SPDX-License-Identifier: GPL-2.0-only
//! The result files.

use crate::criteria::{self, Row};
use crate::goal::Goal;
use crate::latency;
use crate::memory::{self, Memory};
use crate::plots::{self, Plot};
use crate::records::{Guest, Record};
use crate::results::{self, Comparison, Unit, REFERENCES};
use crate::tables;
use crate::writeback::{self, Way};
use serde::Serialize;
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write;

type Settings = BTreeMap<String, String>;

/// A run in which all peers did the same.
#[derive(Serialize)]
pub struct Compared {
    guest: Guest,
    settings: Settings,
    unit: Unit,
    criteria: Vec<Row>,
    pub comparisons: Vec<Comparison>,
    memory: Vec<Memory>,
    /// All measurements, including the warm-up's.
    records: Vec<Record>,
}

const NOTHING: &str = "nothing was measured after the warm-up";

impl Compared {
    pub fn new(
        (guest, records): (Guest, Vec<Record>),
        unit: Unit,
        module_instructions: Option<f64>,
        settings: Settings,
    ) -> Result<Self, Box<dyn Error>> {
        let comparisons = results::compare(&records, unit);
        if comparisons.is_empty() {
            return Err(NOTHING.into());
        }
        Ok(Compared {
            criteria: criteria::rows(&comparisons, module_instructions),
            memory: memory::of(&guest, &records),
            guest,
            settings,
            unit,
            comparisons,
            records,
        })
    }

    pub fn markdown(&self, plots: &[Plot]) -> String {
        let mut text = String::from("# Benchmark\n\n");
        describe(&mut text, &self.guest);
        list(&mut text, &self.settings);
        let unit = match self.unit {
            Unit::Ns => "time",
            Unit::Instructions => "instructions",
        };
        section(
            &mut text,
            "What is to be reached",
            &format!(
                "Ratios of {unit}, smaller is better: each round's, of runs one after the other; \
                 the median, and the quartiles in brackets. A verdict takes 5 rounds or more."
            ),
            &tables::criteria(&self.criteria),
        );
        section(
            &mut text,
            "Cost",
            &format!(
                "{} a page: the median of the rounds, and the quartiles.",
                tables::unit(self.unit)
            ),
            &tables::medians(&self.comparisons),
        );
        section(
            &mut text,
            "Ratios",
            "The median of each round's ratio, and the quartiles.",
            &tables::ratios(&self.comparisons),
        );
        if !self.memory.is_empty() {
            section(
                &mut text,
                "Memory",
                "With everything written out, in the last round. zram's metadata are 16 bytes for \
                 each page of its size, in use or not.",
                &tables::memory(&self.memory),
            );
        }
        for plot in plots {
            let _ = writeln!(text, "\n![{}]({}.svg)", plot.figure.title, plot.name);
        }
        text
    }
}

/// A run in which all peers touched more pages than fit into memory.
#[derive(Serialize)]
pub struct Touched {
    guest: Guest,
    settings: Settings,
    goals: Vec<Goal>,
    pub phases: Vec<latency::Phase>,
    /// All measurements, including the warm-up's.
    records: Vec<Record>,
}

impl Touched {
    pub fn new(
        (guest, records): (Guest, Vec<Record>),
        settings: Settings,
    ) -> Result<Self, Box<dyn Error>> {
        let phases = latency::phases(&records);
        if phases.is_empty() {
            return Err(NOTHING.into());
        }
        Ok(Touched {
            goals: latency::goals(&phases),
            guest,
            settings,
            phases,
            records,
        })
    }

    pub fn markdown(&self, plots: &[Plot]) -> String {
        let mut text = String::from("# More than memory, and a disk that takes its time\n\n");
        describe(&mut text, &self.guest);
        list(&mut text, &self.settings);
        section(
            &mut text,
            "What is to be reached",
            "vswap's figure divided by the other peer's in each round; the median, and the \
             quartiles in brackets.",
            &tables::goals(&self.goals),
        );
        let _ = writeln!(
            text,
            "\nMedians of the rounds below, and quartiles in brackets. The ratio is vswap's \
             touches a second to the peer's, in each round."
        );
        for phase in &self.phases {
            section(
                &mut text,
                &format!("{}: {}", phase.workload, phase.phase),
                "",
                &tables::touches(phase),
            );
        }
        for plot in plots {
            let _ = writeln!(text, "\n![{}]({}.svg)", plot.figure.title, plot.name);
        }
        text
    }
}

/// A run that wrote pages back.
#[derive(Serialize)]
pub struct WrittenBack {
    guest: Guest,
    settings: Settings,
    goals: Vec<Goal>,
    ways: Vec<Way>,
    /// All measurements, including the warm-up's.
    records: Vec<Record>,
}

impl WrittenBack {
    pub fn new(
        (guest, records): (Guest, Vec<Record>),
        settings: Settings,
    ) -> Result<Self, Box<dyn Error>> {
        let ways = writeback::ways(&records);
        if ways.is_empty() {
            return Err(NOTHING.into());
        }
        Ok(WrittenBack {
            goals: writeback::goals(&ways),
            guest,
            settings,
            ways,
            records,
        })
    }

    pub fn markdown(&self) -> String {
        let mut text = String::from("# How fast pages are written back\n\n");
        describe(&mut text, &self.guest);
        list(&mut text, &self.settings);
        section(
            &mut text,
            "What is to be reached",
            "One speed divided by the other in each round; the median, and the quartiles in \
             brackets.",
            &tables::goals(&self.goals),
        );
        section(
            &mut text,
            "Speeds",
            "Of pages as they were before they were compressed: the median of the rounds, and \
             the quartiles.",
            &tables::speeds(&self.ways),
        );
        text
    }
}

/// Workloads that were repeated for different sizes, in several guests.
#[derive(Serialize)]
pub struct Scaled {
    settings: Settings,
    themes: Vec<ScaledTheme>,
}

#[derive(Serialize)]
struct ScaledTheme {
    workload: String,
    unit: Unit,
    guests: Vec<Guest>,
    comparisons: Vec<Comparison>,
    memory: Vec<Memory>,
    /// All measurements, including the warm-up's.
    records: Vec<Record>,
}

impl Scaled {
    pub fn new(
        runs: Vec<(Unit, (Guest, Vec<Record>))>,
        settings: Settings,
    ) -> Result<Self, Box<dyn Error>> {
        let mut themes: Vec<ScaledTheme> = Vec::new();
        for (unit, (guest, records)) in runs {
            let first = records.first().ok_or(NOTHING)?;
            let memory = memory::of(&guest, &records);
            let theme = themes
                .iter_mut()
                .find(|theme| theme.workload == first.workload && theme.unit == unit);
            match theme {
                Some(theme) => {
                    theme.guests.push(guest);
                    theme.memory.extend(memory);
                    theme.records.extend(records);
                }
                None => themes.push(ScaledTheme {
                    workload: first.workload.clone(),
                    unit,
                    guests: vec![guest],
                    comparisons: Vec::new(),
                    memory,
                    records,
                }),
            }
        }
        for theme in &mut themes {
            theme.comparisons = results::compare(&theme.records, theme.unit);
            if theme.comparisons.is_empty() {
                return Err(NOTHING.into());
            }
        }
        Ok(Scaled { settings, themes })
    }

    fn plotted(&self) -> impl Iterator<Item = (&ScaledTheme, Plot)> {
        self.themes.iter().filter_map(|theme| {
            let known = plots::THEMES
                .iter()
                .find(|known| known.workload == theme.workload)?;
            Some((
                theme,
                plots::of_theme(known, &theme.comparisons, theme.unit),
            ))
        })
    }

    pub fn plots(&self) -> Vec<Plot> {
        self.plotted().map(|(_, plot)| plot).collect()
    }

    pub fn markdown(&self) -> String {
        let mut text = String::from("# How cost grows\n\n");
        list(&mut text, &self.settings);
        for (theme, plot) in self.plotted() {
            let _ = writeln!(text, "\n## {}\n", plot.figure.title);
            for guest in &theme.guests {
                describe(&mut text, guest);
            }
            let _ = writeln!(
                text,
                "{} a page: the median of the rounds, and the quartiles.\n\n{}\n",
                tables::unit(theme.unit),
                tables::medians(&theme.comparisons)
            );
            let peers = tables::peers(&theme.comparisons);
            if REFERENCES.iter().any(|reference| peers.contains(reference)) {
                let ratios = tables::ratios(&theme.comparisons);
                let _ = writeln!(text, "Ratios:\n\n{ratios}\n");
            }
            let _ = writeln!(
                text,
                "With everything written out:\n\n{}\n\n![{}]({}.svg)",
                tables::memory(&theme.memory),
                plot.figure.title,
                plot.name
            );
        }
        text
    }
}

fn describe(text: &mut String, guest: &Guest) {
    let _ = writeln!(
        text,
        "Linux {}, {} CPU(s), {} MiB of memory, devices of {} MiB.\n",
        guest.kernel, guest.cpus, guest.memory_mib, guest.device_mib
    );
}

fn list(text: &mut String, settings: &Settings) {
    for (name, value) in settings {
        let _ = writeln!(text, "- {name}: {value}");
    }
}

fn section(text: &mut String, title: &str, about: &str, table: &str) {
    let about = if about.is_empty() {
        String::new()
    } else {
        format!("{about}\n\n")
    };
    let _ = writeln!(text, "\n## {title}\n\n{about}{table}");
}
