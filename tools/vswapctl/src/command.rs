// SPDX-License-Identifier: GPL-2.0-only

//! Runs other programs: those of kmod and util-linux.

use crate::failure::{failed, Failure};
use std::ffi::OsStr;
use std::process::{Command, Output};

/// Where these programs are if they are not in the user's path.
const PATHS: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// Runs a program and waits for it.
///
/// # Errors
///
/// It could not be started. The sentence names its package.
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

/// Runs a program that must succeed. Returns what it printed.
///
/// # Errors
///
/// It could not be started, or failed. The sentence contains its message.
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

/// The message of a program that failed, in one line.
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
