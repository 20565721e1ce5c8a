// SPDX-License-Identifier: GPL-2.0-only
//! Makes result files, tables and plots from the guest's output.

mod criteria;
mod figure;
mod goal;
mod latency;
mod memory;
mod plots;
mod records;
mod report;
mod results;
mod tables;
mod writeback;

use clap::{Args, Parser, Subcommand};
use results::Unit;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Parser)]
#[command(about = "Makes result.json, result.md and plots of runs of the benchmark")]
struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// One run in which all peers did the same
    Compare(Compare),
    /// One run in which all peers touched more pages than fit into memory
    Latency(One),
    /// One run that wrote pages back
    Writeback(One),
    /// Runs of workloads that were repeated for different sizes
    Scaling(Scaling),
}

#[derive(Args)]
struct Compare {
    /// Lines of JSON as the guest printed them; other lines are left out
    #[arg(long)]
    lines: PathBuf,
    #[arg(long, value_enum)]
    unit: Unit,
    /// Instructions a page in vswap.ko with disks only, as counted elsewhere
    #[arg(long)]
    module_instructions: Option<f64>,
    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
struct One {
    /// Lines of JSON as the guest printed them; other lines are left out
    #[arg(long)]
    lines: PathBuf,
    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
struct Scaling {
    /// Lines of JSON as a guest printed them, as UNIT=FILE
    #[arg(long = "lines", value_parser = unit_and_file, required = true)]
    lines: Vec<(Unit, PathBuf)>,
    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
struct Common {
    /// The directory to write to
    #[arg(long)]
    output: PathBuf,
    /// What else is to be known of the run, as NAME=VALUE
    #[arg(long = "set", value_parser = pair)]
    settings: Vec<(String, String)>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("not NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn unit_and_file(text: &str) -> Result<(Unit, PathBuf), String> {
    let (unit, file) = pair(text)?;
    let unit = <Unit as clap::ValueEnum>::from_str(&unit, false)?;
    Ok((unit, file.into()))
}

/// The results of a run: a file for machines, one for people, and plots.
fn write(
    directory: &Path,
    json: String,
    markdown: String,
    plots: &[plots::Plot],
) -> Result<(), Box<dyn Error>> {
    std::fs::write(directory.join("result.json"), json + "\n")?;
    std::fs::write(directory.join("result.md"), markdown)?;
    figure::prepare()?;
    plots
        .iter()
        .try_for_each(|plot| plot.figure.write(directory, plot.name))
}

fn run(options: Options) -> Result<(), Box<dyn Error>> {
    match options.what {
        What::Compare(options) => {
            let read = records::read(&options.lines)?;
            let settings = options.common.settings.into_iter().collect();
            let report =
                report::Compared::new(read, options.unit, options.module_instructions, settings)?;
            let plots = plots::of_comparisons(&report.comparisons, options.unit);
            let json = serde_json::to_string(&report)?;
            write(
                &options.common.output,
                json,
                report.markdown(&plots),
                &plots,
            )
        }
        What::Latency(options) => {
            let read = records::read(&options.lines)?;
            let settings = options.common.settings.into_iter().collect();
            let report = report::Touched::new(read, settings)?;
            let plots = plots::of_touches(&report.phases);
            let json = serde_json::to_string(&report)?;
            write(
                &options.common.output,
                json,
                report.markdown(&plots),
                &plots,
            )
        }
        What::Writeback(options) => {
            let read = records::read(&options.lines)?;
            let settings = options.common.settings.into_iter().collect();
            let report = report::WrittenBack::new(read, settings)?;
            let json = serde_json::to_string(&report)?;
            write(&options.common.output, json, report.markdown(), &[])
        }
        What::Scaling(options) => {
            let settings = options.common.settings.into_iter().collect();
            let read = |(unit, path): &(Unit, PathBuf)| Ok((*unit, records::read(path)?));
            let runs: Result<Vec<_>, Box<dyn Error>> = options.lines.iter().map(read).collect();
            let report = report::Scaled::new(runs?, settings)?;
            let plots = report.plots();
            let json = serde_json::to_string(&report)?;
            write(&options.common.output, json, report.markdown(), &plots)
        }
    }
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
