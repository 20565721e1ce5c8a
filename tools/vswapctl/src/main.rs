// SPDX-License-Identifier: GPL-2.0-only

//! Shows and changes the swap device vswap.

use clap::Parser;
use std::process::ExitCode;
use vswapctl::cli::Cli;

fn main() -> ExitCode {
    match vswapctl::run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("vswapctl: {failure}.");
            failure.status()
        }
    }
}
