// SPDX-License-Identifier: GPL-2.0-only
//! Tables in Markdown.

use crate::counts::{Cost, PHASES};
use crate::profile::{Phase, Run, MODULE};
use comfy_table::{presets::ASCII_MARKDOWN, CellAlignment, ContentArrangement, Table};
use std::collections::{BTreeMap, BTreeSet};

/// The peer whose cost inside the module is shown.
const DISK_ONLY: &str = "vswap-disk";

/// A table with these columns, of which all but the first `words` are numbers.
fn table(header: Vec<String>, words: usize) -> Table {
    let mut table = Table::new();
    table
        .load_preset(ASCII_MARKDOWN)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(header);
    for column in table.column_iter_mut().skip(words) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

fn number(value: f64) -> String {
    match value {
        0.0 => String::new(),
        value if value < 9.95 => format!("{value:.2}"),
        value => format!("{value:.0}"),
    }
}

fn summary(runs: &[&Run]) -> Table {
    let mut table = table(
        words(&[
            "phase",
            "peer",
            "kernel",
            "in vswap.ko",
            "locked",
            "locked in vswap.ko",
            "calls",
            "calls by vswap.ko",
            "string steps",
            "user",
        ]),
        2,
    );
    let mut row = |phase: &str, run: &Run, kernel: Cost, vswap: Cost, user: f64| {
        table.add_row([
            phase.to_owned(),
            run.peer.clone(),
            number(kernel.instructions),
            number(vswap.instructions),
            number(kernel.locked),
            number(vswap.locked),
            number(kernel.calls),
            number(vswap.calls),
            number(kernel.steps),
            number(user),
        ]);
    };
    for (_, name) in PHASES {
        for run in runs {
            if let Some(phase) = run.phase(name) {
                row(name, run, phase.kernel, phase.vswap, phase.user);
            }
        }
    }
    for run in runs {
        let user = run.phases.iter().map(|phase| phase.user).sum();
        let (kernel, vswap) = (run.sum(|phase| phase.kernel), run.sum(|phase| phase.vswap));
        row("sum", run, kernel, vswap, user);
    }
    table
}

/// The names with the largest values, from the largest on.
fn largest<'a>(values: impl Iterator<Item = (&'a String, f64)>, top: usize) -> Vec<&'a String> {
    let mut largest: BTreeMap<&String, f64> = BTreeMap::new();
    for (name, value) in values {
        let entry = largest.entry(name).or_default();
        *entry = entry.max(value);
    }
    let mut names: Vec<_> = largest.into_iter().collect();
    names.sort_by(|one, other| other.1.total_cmp(&one.1));
    names.into_iter().take(top).map(|(name, _)| name).collect()
}

/// Functions by peer, with their share of the phase.
fn functions(runs: &[&Run], phase: &str, top: usize) -> Table {
    let phases: Vec<(&Run, &Phase)> = runs
        .iter()
        .filter_map(|run| Some((*run, run.phase(phase)?)))
        .collect();
    let mut header = words(&["function"]);
    header.extend(phases.iter().map(|(run, _)| run.peer.clone()));
    let mut table = table(header, 1);
    let all = phases.iter().flat_map(|(_, phase)| &phase.functions);
    for name in largest(all.map(|(name, cost)| (name, cost.instructions)), top) {
        let mut row = vec![format!("`{name}`")];
        row.extend(phases.iter().map(|(_, phase)| {
            let value = phase
                .functions
                .get(name)
                .map_or(0.0, |cost| cost.instructions);
            match 100.0 * value / phase.kernel.instructions {
                0.0 => String::new(),
                share => format!("{} ({share:.1} %)", number(value)),
            }
        }));
        table.add_row(row);
    }
    table
}

/// The module's functions in all phases: instructions, locked ones and calls.
fn module(run: &Run) -> Table {
    let mut header = words(&["function"]);
    for phase in &run.phases {
        header.extend(["", " locked", " calls"].map(|what| format!("{}{what}", phase.phase)));
    }
    let mut table = table(header, 1);
    let suffix = format!(" [{MODULE}]");
    let all = run.phases.iter().flat_map(|phase| &phase.functions);
    let ours = all
        .filter(|(name, _)| name.ends_with(&suffix))
        .map(|(name, cost)| (name, cost.instructions));
    for name in largest(ours.filter(|&(_, value)| value >= 0.5), usize::MAX) {
        let mut row = vec![format!("`{}`", name.trim_end_matches(&suffix))];
        for phase in &run.phases {
            let cost = phase.functions.get(name).copied().unwrap_or_default();
            row.extend([cost.instructions, cost.locked, cost.calls].map(number));
        }
        table.add_row(row);
    }
    table
}

/// What the module calls, and how often.
fn called(run: &Run) -> Table {
    let mut header = words(&["called"]);
    header.extend(run.phases.iter().map(|phase| phase.phase.to_owned()));
    let mut table = table(header, 1);
    let all = run.phases.iter().flat_map(|phase| &phase.called);
    let names = largest(
        all.map(|(name, &times)| (name, times))
            .filter(|&(_, times)| times >= 0.05),
        usize::MAX,
    );
    for name in names {
        let mut row = vec![format!("`{name}`")];
        row.extend(
            run.phases
                .iter()
                .map(|phase| number(phase.called.get(name).copied().unwrap_or(0.0))),
        );
        table.add_row(row);
    }
    table
}

/// The whole report; of the functions, only the `top` ones of each phase.
pub fn markdown(runs: &[Run], settings: &BTreeMap<String, String>, top: usize) -> String {
    let mut text = "# Instructions a page\n\n".to_owned();
    for (name, value) in settings {
        text += &format!("- {name}: {value}\n");
    }
    let contents: BTreeSet<&str> = runs.iter().map(|run| run.contents.as_str()).collect();
    for contents in contents {
        let runs: Vec<&Run> = runs.iter().filter(|run| run.contents == contents).collect();
        text += &format!("\n## {contents}\n\n{}\n", summary(&runs));
        for run in runs.iter().filter(|run| run.peer == DISK_ONLY) {
            text += &format!(
                "\nInstructions per page inside vswap.ko, disk only, write + read + free: {:.0}\n",
                run.sum(|phase| phase.vswap).instructions
            );
        }
        for (_, phase) in PHASES {
            if runs.iter().any(|run| run.phase(phase).is_some()) {
                let functions = functions(&runs, phase, top);
                text += &format!("\n### {contents}, {phase}: functions\n\n{functions}\n");
            }
        }
        for run in runs {
            if run
                .phases
                .iter()
                .any(|phase| phase.vswap.instructions > 0.0)
            {
                let peer = &run.peer;
                text += &format!(
                    "\n### {contents}, {peer}: inside vswap.ko\n\n{}\n",
                    module(run)
                );
                text += &format!(
                    "\n### {contents}, {peer}: calls by vswap.ko\n\n{}\n",
                    called(run)
                );
            }
        }
    }
    text
}
