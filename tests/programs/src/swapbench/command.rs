// SPDX-License-Identifier: GPL-2.0-only
//! Another program's run, from its start to its exit, or that of several at once.

use crate::clock::timed;
use crate::record::{Labels, Record};
use std::io::{Error, Result};
use std::process::{Child, Command, Stdio};

#[derive(clap::Args)]
pub struct Options {
    #[command(flatten)]
    labels: Labels,
    /// What the time is divided by
    #[arg(long)]
    pages: u64,
    /// How many of them run at once
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    processes: u32,
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

fn start(program: &str, arguments: &[String]) -> Result<Child> {
    let mut command = Command::new(program);
    command.args(arguments).stdout(Stdio::null()).spawn()
}

pub fn run(options: &Options) -> Result<()> {
    let mut record = Record::new(&options.labels)?;
    let (program, arguments) = options
        .command
        .split_first()
        .ok_or_else(|| Error::other("no command"))?;
    let span = timed(|| {
        let children: Result<Vec<Child>> = (0..options.processes)
            .map(|_| start(program, arguments))
            .collect();
        for mut child in children? {
            let status = child.wait()?;
            if !status.success() {
                return Err(Error::other(format!("{program} ended with {status}")));
            }
        }
        Ok(())
    })?;
    record.add("run", span, options.pages);
    record.print()
}
