// SPDX-License-Identifier: GPL-2.0-only
//! Another program's run, from its start to its exit.

use crate::clock::timed;
use crate::record::{Labels, Record};
use std::io::{Error, Result};
use std::process::{Command, Stdio};

#[derive(clap::Args)]
pub struct Options {
    #[command(flatten)]
    labels: Labels,
    /// What the time is divided by
    #[arg(long)]
    pages: u64,
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

pub fn run(options: &Options) -> Result<()> {
    let mut record = Record::new(&options.labels)?;
    let (program, arguments) = options
        .command
        .split_first()
        .ok_or_else(|| Error::other("no command"))?;
    let span = timed(|| {
        let status = Command::new(program)
            .args(arguments)
            .stdout(Stdio::null())
            .status()?;
        if !status.success() {
            return Err(Error::other(format!("{program} ended with {status}")));
        }
        Ok(())
    })?;
    record.add("run", span, options.pages);
    record.print()
}
