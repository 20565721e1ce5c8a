// SPDX-License-Identifier: GPL-2.0-only

//! Shows and changes the swap device vswap.

use clap::Parser;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;
use vswapctl::cli::Cli;
use vswapctl::{completion, out};

fn main() -> ExitCode {
    completion::answer();
    let (text, failure) = match vswapctl::run(&Cli::parse()) {
        Ok(text) => (text, None),
        Err(failure) => (failure.output.clone(), Some(failure)),
    };
    let written = io::stdout()
        .write_all(text.as_bytes())
        .and_then(|()| io::stdout().flush());
    if let Some(failure) = failure {
        out::note(&format!("vswapctl: {failure}.\n"));
        return failure.status();
    }
    match written {
        // The reader has seen enough.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            out::note(&format!(
                "vswapctl: the output can't be written: {error}.\n"
            ));
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}
