// SPDX-License-Identifier: GPL-2.0-only

//! Messages besides the output. A closed or full standard error never changes what a command does.

use std::fmt::Write as _;
use std::io::{self, Write as _};

/// Prints text to the standard error.
pub fn note(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
    let _ = io::stderr().flush();
}

/// Prints a warning, given as a sentence without a full stop.
pub fn warn(sentence: &str) {
    note(&format!("vswapctl: warning: {}.\n", printable(sentence)));
}

/// The text with control characters escaped, as file names may contain anything.
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        // Control characters, and those that change the direction of text.
        if c.is_control()
            || matches!(c, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        {
            let _ = write!(shown, "\\x{:02x}", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn control_characters_are_escaped() {
        for (text, shown) in [
            ("/var/swapfile", "/var/swapfile"),
            ("/tmp/\x1b]0;owned\x07", "/tmp/\\x1b]0;owned\\x07"),
            ("a\nb\u{9b}c", "a\\x0ab\\x9bc"),
            ("ex\u{202e}e", "ex\\x202ee"),
            ("/datei-ü-模", "/datei-ü-模"),
        ] {
            assert_eq!(printable(text), shown);
        }
    }
}
