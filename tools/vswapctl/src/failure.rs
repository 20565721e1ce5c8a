// SPDX-License-Identifier: GPL-2.0-only

//! Why a command failed, in a sentence, and its exit status.

use crate::out::printable;
use std::fmt;
use std::process::ExitCode;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $meaning:literal;)*) => {
        /// A command's exit status when it fails.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code {
            $(#[doc = $meaning] $name = $number,)*
        }

        /// Each status and its meaning, including success.
        pub const CODES: &[(u8, &str)] = &[(0, "success"), $(($number, $meaning),)*];
    };
}

codes! {
    Failed = 1, "failure, or check has a warning";
    Usage = 2, "the command line or a value on it is wrong";
    NotRoot = 3, "only root may do that";
    NoModule = 4, "the module is not loaded, not installed, or the kernel is too old for it";
    Busy = 5, "the device is in use";
    DataFound = 6, "there is a file system or other data on the device; --force overwrites it";
    Cancelled = 7, "cancelled; nothing is lost";
}

/// A failure: a sentence for the user, and a status for scripts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The exit status.
    pub code: Code,
    /// What is wrong and what to do about it, without a full stop.
    pub sentence: String,
    /// Output to print in spite of the failure.
    pub output: String,
}

impl Failure {
    /// A failure with that status.
    pub fn new(code: Code, sentence: impl Into<String>) -> Self {
        Self {
            code,
            sentence: sentence.into(),
            output: String::new(),
        }
    }

    /// The same failure with another status.
    #[must_use]
    pub fn with(self, code: Code) -> Self {
        Self { code, ..self }
    }

    /// The exit status for `main`.
    pub fn status(&self) -> ExitCode {
        ExitCode::from(self.code as u8)
    }
}

/// A failure without a status of its own.
pub fn failed(sentence: impl Into<String>) -> Failure {
    Failure::new(Code::Failed, sentence)
}

/// A mistake in what the user wrote.
pub fn usage(sentence: impl Into<String>) -> Failure {
    Failure::new(Code::Usage, sentence)
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&printable(&self.sentence))
    }
}

impl std::error::Error for Failure {}

impl From<vswap_sysfs::Error> for Failure {
    fn from(error: vswap_sysfs::Error) -> Self {
        let code = match (&error, error.number()) {
            (vswap_sysfs::Error::NotLoaded, _) => {
                return Self::new(
                    Code::NoModule,
                    "the module vswap is not loaded; 'vswapctl on' loads it",
                )
            }
            (_, Some(libc::EACCES | libc::EPERM)) => {
                return Self::new(
                    Code::NotRoot,
                    format!("{error}; only root may do that, so try it with sudo"),
                )
            }
            (_, Some(libc::EBUSY)) => Code::Busy,
            (_, Some(libc::ECANCELED | libc::EINTR)) => Code::Cancelled,
            _ => Code::Failed,
        };
        Self::new(code, error.to_string())
    }
}
