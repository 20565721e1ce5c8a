// SPDX-License-Identifier: GPL-2.0-only
//! Makes one JSON file of what the guest printed, and tables in Markdown of that.

mod records;
mod results;
mod tables;

use clap::Parser;
use records::{Guest, Line, Record};
use results::{Comparison, Unit};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Parser)]
#[command(about = "Summarizes a run of the benchmark")]
struct Options {
    /// Lines of JSON as the guest printed them; other lines are left out
    #[arg(long)]
    lines: PathBuf,
    /// The JSON file to write
    #[arg(long)]
    json: PathBuf,
    /// The Markdown file to write
    #[arg(long)]
    markdown: PathBuf,
    #[arg(long, value_enum)]
    unit: Unit,
    /// What else is to be known of the run, as NAME=VALUE
    #[arg(long = "set", value_parser = pair)]
    settings: Vec<(String, String)>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("not NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// The JSON file.
#[derive(Deserialize, Serialize)]
struct File {
    guest: Guest,
    settings: BTreeMap<String, String>,
    unit: Unit,
    comparisons: Vec<Comparison>,
    /// Everything that was measured, the warm-up too.
    records: Vec<Record>,
}

fn run(options: Options) -> Result<(), Box<dyn Error>> {
    let text = std::fs::read_to_string(&options.lines)?;
    let (mut guest, mut records) = (None, Vec::new());
    for line in text.lines().filter(|line| line.starts_with('{')) {
        match serde_json::from_str(line)? {
            Line::Guest(line) => guest = Some(line),
            Line::Record(record) => records.push(record),
        }
    }
    let file = File {
        guest: guest.ok_or("the guest did not describe itself")?,
        settings: options.settings.into_iter().collect(),
        unit: options.unit,
        comparisons: results::compare(&records, options.unit),
        records,
    };
    if file.comparisons.is_empty() {
        return Err("nothing was measured after the warm-up".into());
    }
    std::fs::write(&options.json, serde_json::to_string(&file)? + "\n")?;
    std::fs::write(&options.markdown, tables::markdown(&file))?;
    Ok(())
}

fn main() -> ExitCode {
    match run(Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("vswap-bench-summary: {error}");
            ExitCode::FAILURE
        }
    }
}
