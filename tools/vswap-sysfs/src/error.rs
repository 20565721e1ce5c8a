// SPDX-License-Identifier: GPL-2.0-only

//! What can go wrong.

use std::io;
use std::path::PathBuf;

/// Why an attribute could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no device: the module is not loaded.
    #[error("the module vswap is not loaded")]
    NotLoaded,
    /// The system refused it; the error's number is the module's answer.
    #[error("{}: {source}", attribute.display())]
    Io {
        /// Which attribute.
        attribute: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The text of the attribute is not what it should be.
    #[error("{} says {text:?}, which makes no sense here", attribute.display())]
    Text {
        /// Which attribute.
        attribute: PathBuf,
        /// What it said.
        text: String,
    },
}

impl Error {
    /// The system's error, if it was one.
    pub fn io(&self) -> Option<&io::Error> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }

    /// The system's number of the error, such as 16 for `EBUSY`.
    pub fn number(&self) -> Option<i32> {
        self.io()?.raw_os_error()
    }
}
