// SPDX-License-Identifier: GPL-2.0-only

//! Shows and changes the swap device vswap.

use clap::Parser;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;
use vswapctl::cli::Cli;

fn main() -> ExitCode {
    let text = match vswapctl::run(&Cli::parse()) {
        Ok(text) => text,
        Err(failure) => {
            eprintln!("vswapctl: {failure}.");
            return failure.status();
        }
    };
    match io::stdout().write_all(text.as_bytes()) {
        // Who reads has seen enough.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            eprintln!("vswapctl: what there is to say can't be written: {error}.");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}
