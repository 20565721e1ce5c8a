// SPDX-License-Identifier: GPL-2.0-only
//! Measures swapping from inside the guest: how long writing out, reading back and freeing a
//! page take. Prints one line of JSON. Exit status 1 means that something could not be
//! measured or that data was wrong.

// Shared with pagecheck, which uses all of them.
#[allow(dead_code)]
#[path = "../area.rs"]
mod area;
#[path = "../content.rs"]
#[allow(dead_code)]
mod content;

mod churn;
mod clock;
mod command;
mod data;
mod marker;
mod phases;
mod record;
mod stat;
mod touch;
mod worker;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[derive(Parser)]
#[command(about = "Measures how long swapping takes")]
struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Write out, read back and free, or write out and swapoff, or write out and be killed; in
    /// one or several processes
    Phases(phases::Options),
    /// Random accesses to more memory than the cgroup that this runs in may have
    Churn(churn::Options),
    /// Touches of more memory than there is, each timed by itself: in order, or skewed
    Touch(touch::Options),
    /// Another program's run, or that of several at once
    Command(command::Options),
    /// One of the processes of "phases"
    Worker(worker::Options),
}

fn main() -> ExitCode {
    let result = match Options::parse().what {
        What::Phases(options) => phases::run(&options),
        What::Churn(options) => churn::run(&options),
        What::Touch(options) => touch::run(&options),
        What::Command(options) => command::run(&options),
        What::Worker(options) => worker::run(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("swapbench: {error}");
            ExitCode::FAILURE
        }
    }
}
