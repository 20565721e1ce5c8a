// SPDX-License-Identifier: GPL-2.0-only

//! Completion for bash. Bash also splits words at `=` and `:`, and inserts the answers as they are;
//! clap's own completion handles neither `comp_algorithm=zs` nor `/dev/disk/by-path/pci-0000:00`.

use clap::Command;
use clap_complete::engine;
use clap_complete::env::EnvCompleter;
use std::env;
use std::ffi::OsString;
use std::io::{Result, Write};
use std::path::Path;

/// The line up to the cursor.
const LINE: &str = "_VSWAPCTL_LINE";

/// The word that bash replaces with the answer.
const WORD: &str = "_VSWAPCTL_WORD";

/// The shell.
#[derive(Clone, Copy, Debug)]
pub struct Bash;

impl EnvCompleter for Bash {
    fn name(&self) -> &'static str {
        "bash"
    }

    fn is(&self, name: &str) -> bool {
        name == "bash"
    }

    fn write_registration(
        &self,
        variable: &str,
        name: &str,
        program: &str,
        completer: &str,
        script: &mut dyn Write,
    ) -> Result<()> {
        writeln!(
            script,
            r#"_{name}() {{
    mapfile -t COMPREPLY < <({variable}=bash {LINE}="${{COMP_LINE:0:COMP_POINT}}" {WORD}="$2" {completer} -- {program} 2>/dev/null)
    # The word goes on after these.
    [[ ${{#COMPREPLY[@]}} != 1 || ${{COMPREPLY[0]}} != *[/=] ]] || compopt -o nospace
}}
complete -o nosort -F _{name} {program}"#
        )
    }

    fn write_complete(
        &self,
        command: &mut Command,
        _: Vec<OsString>,
        directory: Option<&Path>,
        answer: &mut dyn Write,
    ) -> Result<()> {
        let variable = |name| env::var(name).unwrap_or_default();
        let (words, quote) = words(&variable(LINE));
        let word = variable(WORD);
        let Some(current) = words.last().cloned() else {
            return Ok(());
        };
        let kept = kept(&current, &word, quote);
        let index = words.len() - 1;
        let words = words.into_iter().map(OsString::from).collect();
        for candidate in engine::complete(command, words, index, directory)? {
            let value = candidate.get_value().to_string_lossy();
            if let Some(rest) = value.strip_prefix(kept) {
                let rest = if quote.is_some() {
                    rest.to_owned()
                } else {
                    escaped(rest)
                };
                writeln!(answer, "{rest}")?;
            }
        }
        Ok(())
    }
}

/// The words of a line as the shell reads them, and the quotation mark that is still open. The last word
/// is the one at the cursor, and may be empty.
fn words(line: &str) -> (Vec<String>, Option<char>) {
    // Appended so that the line has a last word in any case.
    let ends = [(None, "."), (Some('\''), ".'"), (Some('"'), ".\"")];
    let read = |(quote, end)| {
        let mut words = shlex::split(&format!("{line}{end}"))?;
        words.last_mut()?.pop();
        Some((words, quote))
    };
    ends.into_iter().find_map(read).unwrap_or_default()
}

/// The part of the current word before the one that bash replaces. Bash passes the latter without the
/// open quotation mark.
fn kept<'a>(current: &'a str, word: &str, quote: Option<char>) -> &'a str {
    let quote = quote.map(String::from).unwrap_or_default();
    let (words, _) = words(&format!("{quote}{word}"));
    let replaced = words.last().map_or("", String::as_str);
    current.strip_suffix(replaced).unwrap_or("")
}

/// The text, quoted for the shell.
fn escaped(text: &str) -> String {
    let mut word = String::with_capacity(text.len());
    for (index, c) in text.char_indices() {
        let is_home = index == 0 && c == '~';
        if !(c.is_alphanumeric() || "/-_.,+@%=:".contains(c) || is_home) {
            word.push('\\');
        }
        word.push(c);
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_the_shell_does() {
        for (line, expected, quote) in [
            ("vswapctl ", &["vswapctl", ""][..], None),
            ("vswapctl get si", &["vswapctl", "get", "si"], None),
            ("vswapctl set a=b:", &["vswapctl", "set", "a=b:"], None),
            ("vswapctl add /a\\ b", &["vswapctl", "add", "/a b"], None),
            (
                "vswapctl add '/a b",
                &["vswapctl", "add", "/a b"],
                Some('\''),
            ),
            ("vswapctl add \"/a ", &["vswapctl", "add", "/a "], Some('"')),
        ] {
            let (words, open) = words(line);
            assert_eq!(words, expected, "{line}");
            assert_eq!(open, quote, "{line}");
        }
    }

    #[test]
    fn only_the_word_that_bash_replaces_is_answered() {
        for (current, word, quote, expected) in [
            ("comp_algorithm=zs", "zs", None, "comp_algorithm="),
            ("comp_algorithm=", "", None, "comp_algorithm="),
            ("comp_alg", "comp_alg", None, ""),
            ("/a:b c", "b\\ c", None, "/a:"),
            ("/a b", "/a b", Some('"'), ""),
            ("--disk=/a b", "/a b", Some('"'), "--disk="),
        ] {
            assert_eq!(kept(current, word, quote), expected, "{current}");
        }
    }

    #[test]
    fn special_characters_are_escaped() {
        for (text, expected) in [
            ("/dev/disk/by-label/a\\x20b", "/dev/disk/by-label/a\\\\x20b"),
            ("/a b$(c);*", "/a\\ b\\$\\(c\\)\\;\\*"),
            ("~/x~", "~/x\\~"),
            ("size=", "size="),
        ] {
            assert_eq!(escaped(text), expected);
        }
    }
}
