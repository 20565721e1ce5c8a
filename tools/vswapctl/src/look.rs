// SPDX-License-Identifier: GPL-2.0-only

//! How output may look: colours, characters, width.

use crate::cli::When;
use anstream::ColorChoice;
use anstyle::{AnsiColor, Style};
use std::env;
use std::io::{self, IsTerminal};

/// What the output may make use of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Colours.
    pub colour: bool,
    /// Characters beyond ASCII.
    pub utf8: bool,
    /// Columns.
    pub width: usize,
}

impl Look {
    /// That of the standard output.
    pub fn of_stdout(when: When) -> Self {
        let stdout = io::stdout();
        let choice = match when {
            When::Auto => anstream::AutoStream::choice(&stdout),
            When::Always => ColorChoice::Always,
            When::Never => ColorChoice::Never,
        };
        let columns = env::var("COLUMNS")
            .ok()
            .and_then(|columns| columns.parse().ok());
        let terminal = || {
            let (width, _) = terminal_size::terminal_size().filter(|_| stdout.is_terminal())?;
            Some(usize::from(width.0))
        };
        Self {
            colour: choice != ColorChoice::Never,
            utf8: is_utf8(|name| env::var(name).ok()),
            width: columns.or_else(terminal).unwrap_or(80).clamp(60, 200),
        }
    }

    /// The text in that style, if there are colours.
    pub fn paint(self, style: Style, text: &str) -> String {
        if self.colour {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }

    /// A heading.
    pub fn bold(self, text: &str) -> String {
        self.paint(Style::new().bold(), text)
    }

    /// What wants attention.
    pub fn alarm(self, text: &str) -> String {
        self.paint(AnsiColor::Red.on_default().bold(), text)
    }
}

/// Whether the locale that the environment names has more characters than ASCII.
fn is_utf8(variable: impl Fn(&str) -> Option<String>) -> bool {
    ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .filter_map(variable)
        .find(|value| !value.is_empty())
        .is_some_and(|value| {
            let value = value.to_ascii_lowercase();
            value.contains("utf-8") || value.contains("utf8")
        })
}

#[cfg(test)]
mod tests {
    use super::is_utf8;

    #[test]
    fn the_first_variable_that_is_set_decides() {
        let locale = |pairs: &'static [(&str, &str)]| {
            is_utf8(|name| {
                let pair = pairs.iter().find(|(key, _)| *key == name)?;
                Some(pair.1.to_owned())
            })
        };
        assert!(locale(&[("LANG", "de_DE.utf8")]));
        assert!(locale(&[("LC_ALL", ""), ("LANG", "C.UTF-8")]));
        assert!(!locale(&[("LC_ALL", "C"), ("LANG", "C.UTF-8")]));
        assert!(!locale(&[]));
    }
}
