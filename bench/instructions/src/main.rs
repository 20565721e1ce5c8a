// SPDX-License-Identifier: GPL-2.0-only
//! Makes a JSON file and tables from the counts of `bench/plugin` and the guest's output.

mod counts;
mod guest;
mod profile;
mod symbols;
mod tables;

use clap::Parser;
use guest::Guest;
use profile::Run;
use serde::Serialize;
use std::collections::BTreeMap;
use std::error::Error;
use std::fs::{read_to_string, write};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Parser)]
#[command(about = "Attributes counted instructions to functions and pages")]
struct Options {
    /// What the guest printed
    #[arg(long)]
    lines: PathBuf,
    /// What the plugin wrote
    #[arg(long)]
    counts: PathBuf,
    /// The JSON file to write
    #[arg(long)]
    json: PathBuf,
    /// The Markdown file to write
    #[arg(long)]
    markdown: PathBuf,
    /// Functions to show of each phase
    #[arg(long, default_value_t = 25)]
    top: usize,
    /// What else is to be known of the run, as NAME=VALUE
    #[arg(long = "set", value_parser = pair)]
    settings: Vec<(String, String)>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("not NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// The JSON file.
#[derive(Serialize)]
struct File {
    settings: BTreeMap<String, String>,
    runs: Vec<Run>,
}

fn run(options: Options) -> Result<(), Box<dyn Error>> {
    let guest = Guest::parse(&read_to_string(&options.lines)?)?;
    let file = File {
        runs: profile::profile(&guest, &read_to_string(&options.counts)?)?,
        settings: options.settings.into_iter().collect(),
    };
    write(&options.json, serde_json::to_string(&file)? + "\n")?;
    let text = tables::markdown(&file.runs, &file.settings, options.top);
    write(&options.markdown, text)?;
    Ok(())
}

fn main() -> ExitCode {
    match run(Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("vswap-bench-instructions: {error}");
            ExitCode::FAILURE
        }
    }
}
