// SPDX-License-Identifier: GPL-2.0-only

//! How output may look: colours, characters, width.

use crate::cli::When;
use crate::out::printable;
use anstream::ColorChoice;
use anstyle::{AnsiColor, Style};
use std::env;
use std::io::{self, IsTerminal};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// What the output may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Colours.
    pub colour: bool,
    /// Characters beyond ASCII.
    pub utf8: bool,
    /// The width in columns.
    pub width: usize,
}

impl Look {
    /// For the standard output.
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
            width: columns.or_else(terminal).unwrap_or(80).clamp(20, 200),
        }
    }

    /// The text in that style, if colours are allowed.
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

    /// A name in that many columns. Of a name that is too long, the end is shown.
    pub fn shortened(self, name: &str, width: usize) -> String {
        let name = printable(name);
        if columns(&name) <= width {
            return padded(&name, width, false);
        }
        let dots = if self.utf8 { "…" } else { "~" };
        let end = end_of(&name, width.saturating_sub(1));
        padded(&format!("{dots}{end}"), width, false)
    }

    /// Text that needs attention.
    pub fn alarm(self, text: &str) -> String {
        self.paint(AnsiColor::Red.on_default().bold(), text)
    }
}

/// How many columns a text takes on a terminal. Some characters take two, and some none.
pub fn columns(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// Pads the text with blanks on one side to that many columns.
pub fn padded(text: &str, width: usize, to_the_right: bool) -> String {
    let blanks = " ".repeat(width.saturating_sub(columns(text)));
    if to_the_right {
        blanks + text
    } else {
        text.to_owned() + &blanks
    }
}

/// As much of the end of the text as fits into that many columns.
pub fn end_of(text: &str, width: usize) -> &str {
    let mut taken = 0;
    let mut from = text.len();
    for (index, c) in text.char_indices().rev() {
        taken += UnicodeWidthChar::width(c).unwrap_or(0);
        if taken > width {
            break;
        }
        from = index;
    }
    &text[from..]
}

/// Cuts each line of the text to that many columns. Colours take none.
pub fn cut(text: &str, width: usize) -> String {
    let mut cut = String::with_capacity(text.len());
    let mut taken = 0;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '\x1b' => rest.find('m').map_or(rest.len(), |end| end + 1),
            _ => c.len_utf8(),
        };
        let (piece, after) = rest.split_at(length);
        rest = after;
        match c {
            '\n' => taken = 0,
            '\x1b' => {}
            _ => {
                taken += UnicodeWidthChar::width(c).unwrap_or(0);
                if taken > width {
                    continue;
                }
            }
        }
        cut.push_str(piece);
    }
    cut
}

/// Whether the locale in the environment has more characters than ASCII.
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
    use super::*;

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!(columns("模a"), 3);
        assert_eq!(padded("模", 4, false), "模  ");
        assert_eq!(padded("模", 4, true), "  模");
        assert_eq!(end_of("/a/模模", 4), "模模");
        assert_eq!(end_of("/a/模模", 3), "模");
        assert_eq!(end_of("ab", 9), "ab");
        assert_eq!(
            cut("\x1b[1mab模c\x1b[0m\nabcdef\n", 4),
            "\x1b[1mab模\x1b[0m\nabcd\n"
        );
    }

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
