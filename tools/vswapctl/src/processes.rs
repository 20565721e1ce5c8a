// SPDX-License-Identifier: GPL-2.0-only

//! `processes`: which processes or control groups are swapped out, and how much of them.

use crate::cli;
use crate::failure::{failed, Failure};
use crate::look::{self, Look};
use crate::out::printable;
use crate::size::{self, Style};
use crate::system::System;
use procfs::process::Process;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::HashMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// A process that is partly swapped out. Sizes are in bytes.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Swapped {
    /// The process's number; `null` for a control group.
    pub pid: Option<i32>,
    /// Its command, or the group's path below /sys/fs/cgroup.
    pub name: String,
    /// How much of it is swapped out.
    pub swap: u64,
    /// The same, with pages that several processes share divided among them; `null` if the kernel does
    /// not tell.
    pub swap_share: Option<u64>,
    /// How much of it is in memory.
    pub resident: u64,
}

/// What is swapped out.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Document {
    /// Version of this document.
    pub version: u32,
    /// Sorted by how much is swapped out, most first.
    pub swapped: Vec<Swapped>,
}

/// The processes. Counts all swap devices, as the kernel does not tell which pages are where.
fn processes(system: &System) -> Result<Vec<Swapped>, Failure> {
    let all = procfs::process::all_processes_with_root(system.path("/proc"))
        .map_err(|error| failed(format!("/proc can't be read: {error}")))?;
    // Processes may end meanwhile.
    Ok(all.filter_map(|process| of(&process.ok()?)).collect())
}

fn of(process: &Process) -> Option<Swapped> {
    let status = process.status().ok()?;
    let kib = |kib: Option<u64>| kib.map(|kib| kib.saturating_mul(1024));
    let mut swapped = Swapped {
        pid: Some(process.pid()),
        name: status.name,
        swap: kib(status.vmswap)?,
        swap_share: None,
        resident: kib(status.vmrss).unwrap_or(0),
    };
    // Only root may read the maps of other users' processes.
    if let Ok(rollup) = process.smaps_rollup() {
        let sum = |name: &str| {
            let maps = &rollup.memory_map_rollup;
            let values = maps.iter().filter_map(|map| map.extension.map.get(name));
            values.copied().reduce(u64::saturating_add)
        };
        swapped.swap = sum("Swap").unwrap_or(swapped.swap);
        swapped.swap_share = sum("SwapPss");
    }
    Some(swapped).filter(|swapped| swapped.swap > 0)
}

/// The control groups, each including those below it.
fn groups(system: &System) -> Vec<Swapped> {
    let root = system.path("/sys/fs/cgroup");
    let mut found = Vec::new();
    let mut left = vec![root.clone()];
    while let Some(directory) = left.pop() {
        let entries = fs::read_dir(&directory).into_iter().flatten().flatten();
        let below = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        left.extend(below.map(|entry| entry.path()));
        let number = |name: &str| -> Option<u64> {
            fs::read_to_string(directory.join(name))
                .ok()?
                .trim()
                .parse()
                .ok()
        };
        let Some(swap @ 1..) = number("memory.swap.current") else {
            continue;
        };
        let name = directory.strip_prefix(&root).unwrap_or(Path::new(""));
        found.push(Swapped {
            pid: None,
            name: name.to_string_lossy().into_owned(),
            swap,
            swap_share: None,
            resident: number("memory.current").unwrap_or(0),
        });
    }
    found
}

/// Runs the command. Returns its output.
///
/// # Errors
///
/// `/proc` can't be read.
pub fn run(system: &System, look: Look, options: &cli::Processes) -> Result<String, Failure> {
    let mut swapped = if options.cgroups {
        groups(system)
    } else {
        processes(system)?
    };
    swapped.sort_by(|a, b| b.swap.cmp(&a.swap).then_with(|| a.name.cmp(&b.name)));
    if let Some(number) = options.number {
        swapped.truncate(number);
    }
    if options.json {
        return crate::json::text(&Document {
            version: 1,
            swapped,
        });
    }
    let style = if options.bytes {
        Style::Bytes
    } else {
        Style::Human
    };
    Ok(table(look, &swapped, style))
}

fn table(look: Look, swapped: &[Swapped], style: Style) -> String {
    let headings = ["PID", "SWAP", "SHARE", "RSS"].map(str::to_owned);
    let shown = |known: Option<u64>| known.map_or("-".to_owned(), |bytes| style.show(bytes));
    let rows = swapped.iter().map(|one| {
        let pid = one.pid.map_or("-".to_owned(), |pid| pid.to_string());
        let cells = [
            pid,
            style.show(one.swap),
            shown(one.swap_share),
            style.show(one.resident),
        ];
        (cells, printable(&one.name))
    });
    let rows: Vec<_> = std::iter::once((headings, "NAME".to_owned()))
        .chain(rows)
        .collect();
    let widths: HashMap<usize, usize> = (0..4)
        .map(|column| {
            let widths = rows.iter().map(|(cells, _)| look::columns(&cells[column]));
            (column, widths.max().unwrap_or(0))
        })
        .collect();
    let mut text = String::new();
    for (index, (cells, name)) in rows.iter().enumerate() {
        let cells: Vec<String> = cells
            .iter()
            .enumerate()
            .map(|(column, cell)| look::padded(cell, widths[&column], true))
            .collect();
        let line = look::cut(&format!("{}  {name}", cells.join("  ")), look.width);
        let line = if index == 0 { look.bold(&line) } else { line };
        let _ = writeln!(text, "{}", line.trim_end());
    }
    let sum = swapped
        .iter()
        .map(|one| one.swap)
        .fold(0, u64::saturating_add);
    // A group's share is also part of the group above it.
    if swapped.iter().all(|one| one.pid.is_some()) {
        let _ = writeln!(
            text,
            "{} swapped out of {} processes, to all swap devices",
            size::human(sum),
            swapped.len()
        );
    }
    text
}
