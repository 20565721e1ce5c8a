// SPDX-License-Identifier: GPL-2.0-only

//! Completion for zsh: clap's answers, with a script of its own. It reads words as the shell does,
//! appends no blank after `size=`, and answers the first time as well, when zsh has just loaded it.

use clap::Command;
use clap_complete::env::{self, EnvCompleter};
use std::ffi::OsString;
use std::io::{Result, Write};
use std::path::Path;

/// The shell.
#[derive(Clone, Copy, Debug)]
pub struct Zsh;

impl EnvCompleter for Zsh {
    fn name(&self) -> &'static str {
        "zsh"
    }

    fn is(&self, name: &str) -> bool {
        name == "zsh"
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
            r#"#compdef {program}
_{name}() {{
    local -a found open whole
    found=("${{(@f)$(_CLAP_IFS=$'\n' _CLAP_COMPLETE_INDEX=$((CURRENT - 1)) {variable}=zsh {completer} -- "${{(@Q)words}}" 2>/dev/null)}}")
    # The word goes on after these.
    open=(${{(M)found:#*[/=]}})
    whole=(${{found:#*[/=]}})
    (( ! $#open )) || _describe -V values open -S ''
    (( ! $#whole )) || _describe -V values whole
}}
if [[ $funcstack[1] == _{name} ]]; then
    _{name} "$@"
else
    compdef _{name} {program}
fi"#
        )
    }

    fn write_complete(
        &self,
        command: &mut Command,
        words: Vec<OsString>,
        directory: Option<&Path>,
        answer: &mut dyn Write,
    ) -> Result<()> {
        env::Zsh.write_complete(command, words, directory, answer)
    }
}
