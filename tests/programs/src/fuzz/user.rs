// SPDX-License-Identifier: GPL-2.0-only
//! The user who makes the calls.

use std::io::{Error, Result};

/// The user ID of "nobody".
const NOBODY: u32 = 65534;

/// As whom the calls are made.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum User {
    /// May do anything.
    Root,
    /// May look at what is shown, and change nothing.
    Nobody,
}

impl User {
    /// Makes this process one of that user.
    pub fn become_it(self) -> Result<()> {
        if self == Self::Root {
            return Ok(());
        }
        // SAFETY: these take numbers, and no group at all.
        let done = unsafe {
            libc::setgroups(0, std::ptr::null()) == 0
                && libc::setgid(NOBODY) == 0
                && libc::setuid(NOBODY) == 0
        };
        if done {
            Ok(())
        } else {
            Err(Error::last_os_error())
        }
    }
}
