// SPDX-License-Identifier: GPL-2.0-only

//! The columns of the table that `status` can be.

use clap::ValueEnum;

/// A column: one figure of each part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Column {
    /// Name
    Name,
}
