// SPDX-License-Identifier: GPL-2.0-only

//! The configuration.

/// The priority that the device is swapped on with when nothing is said.
pub const PRIORITY: i16 = 100;

/// The keys, as the help shows them.
pub fn help() -> String {
    String::new()
}
