// SPDX-License-Identifier: GPL-2.0-only

//! The errors.

use std::io;
use std::path::PathBuf;

/// Why an attribute could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no device: the module is not loaded.
    #[error("the module vswap is not loaded")]
    NotLoaded,
    /// The system refused it. The error's number is the module's answer.
    #[error("{}: {source}", attribute.display())]
    Io {
        /// The attribute.
        attribute: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The text of the attribute has another form than expected.
    #[error("{} says {text:?}, which makes no sense here", attribute.display())]
    Text {
        /// The attribute.
        attribute: PathBuf,
        /// Its text.
        text: String,
    },
}

impl Error {
    /// The system's error, if there is one.
    pub fn io(&self) -> Option<&io::Error> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }

    /// The system's error number, such as 16 for `EBUSY`.
    pub fn number(&self) -> Option<i32> {
        self.io()?.raw_os_error()
    }
}
