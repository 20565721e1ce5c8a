// SPDX-License-Identifier: GPL-2.0-only

//! What `vswapctl` is made of.

pub mod age;
pub mod cli;
pub mod columns;
pub mod config;
pub mod expression;
pub mod failure;

use cli::Cli;
use failure::{failed, Failure};

/// Does what the command line says.
///
/// # Errors
///
/// A sentence for the user, and a status.
pub fn run(cli: &Cli) -> Result<(), Failure> {
    Err(failed(format!("{:?} is not there yet", cli.command)))
}
