// SPDX-License-Identifier: GPL-2.0-only

//! Other programs that are run: those of kmod and util-linux.

use crate::failure::{failed, Failure};
use std::ffi::OsStr;
use std::process::{Command, Output};

/// Where these programs are when the user's path does not say.
const PATHS: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// Runs a program to its end.
///
/// # Errors
///
/// It could not be started: the sentence names the package that has it.
pub fn output<S: AsRef<OsStr>>(
    program: &str,
    package: &str,
    arguments: &[S],
) -> Result<Output, Failure> {
    let path = std::env::var("PATH").map_or(PATHS.to_owned(), |path| format!("{path}:{PATHS}"));
    Command::new(program)
        .args(arguments)
        .env("PATH", path)
        .env("LC_ALL", "C")
        .output()
        .map_err(|error| {
            failed(format!(
                "{program} can't be run: {error}; it is in the package {package}"
            ))
        })
}

/// Runs a program that has to succeed; gives what it printed.
///
/// # Errors
///
/// It could not be started, or failed: the sentence has what it said.
pub fn run<S: AsRef<OsStr>>(
    program: &str,
    package: &str,
    arguments: &[S],
) -> Result<String, Failure> {
    let output = output(program, package, arguments)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    Err(failed(complaint(program, &output)))
}

/// What a program said when it failed, in one line.
pub fn complaint(program: &str, output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    match lines.last() {
        Some(line) if line.starts_with(program) => line.trim_end_matches('.').to_owned(),
        Some(line) => format!("{program}: {}", line.trim_end_matches('.')),
        None => format!("{program} failed ({})", output.status),
    }
}
