// SPDX-License-Identifier: GPL-2.0-only

//! Generates man pages and completions from the same source as the help.

use crate::cli::{self, Cli, Generated};
use crate::completion;
use crate::config::{self, Entry};
use crate::failure::{failed, Failure};
use clap::{Command, CommandFactory};
use roff::{bold, italic, roman, Roff};
use std::fs;
use std::io;
use std::path::Path;

/// Writes them into the directory.
///
/// # Errors
///
/// They can't be written.
pub fn run(options: &cli::Generate) -> Result<(), Failure> {
    let directory = &options.directory;
    let write = || -> io::Result<()> {
        fs::create_dir_all(directory)?;
        match options.what {
            Generated::Man => man(directory),
            Generated::Completions => completions(directory, &options.program),
        }
    };
    write().map_err(|error| {
        failed(format!(
            "{} can't be written to: {error}",
            directory.display()
        ))
    })
}

fn completions(directory: &Path, program: &str) -> io::Result<()> {
    for (shell, name) in completion::SHELLS {
        fs::write(directory.join(name), completion::script(shell, program)?)?;
    }
    Ok(())
}

fn man(directory: &Path) -> io::Result<()> {
    let mut command = Cli::command();
    command.build();
    page(&command, "vswapctl", directory)?;
    for sub in command.get_subcommands() {
        if sub.is_hide_set() || sub.get_name() == "help" {
            continue;
        }
        let name = format!("vswapctl-{}", sub.get_name());
        page(
            &sub.clone().display_name(name.clone()).name(name.clone()),
            &name,
            directory,
        )?;
    }
    fs::write(directory.join("vswap.conf.5"), conf())
}

fn page(command: &Command, name: &str, directory: &Path) -> io::Result<()> {
    let source = format!("vswapctl {}", env!("CARGO_PKG_VERSION"));
    let man = clap_mangen::Man::new(command.clone())
        .section("8")
        .manual("System administration")
        .source(source);
    let mut text = Vec::new();
    man.render(&mut text)?;
    fs::write(directory.join(format!("{name}.8")), text)
}

fn conf() -> String {
    let mut page = Roff::new();
    page.control(
        "TH",
        [
            "vswap.conf",
            "5",
            "",
            concat!("vswapctl ", env!("CARGO_PKG_VERSION")),
            "File formats",
        ],
    );
    page.control("SH", ["NAME"]);
    page.text([roman(
        "vswap.conf, vswap.conf.d - configuration of the swap device vswap",
    )]);
    page.control("SH", ["SYNOPSIS"]);
    page.text([roman("/etc/vswap.conf")]);
    page.control("br", []);
    page.text([roman("/etc/vswap.conf.d/*.conf")]);
    page.control("SH", ["DESCRIPTION"]);
    page.text([
        roman("The command "),
        bold("vswapctl start"),
        roman(", which vswap's service runs, reads these files. They can be in /etc, /run, /usr/local/lib and /usr/lib; of several files with the same name only the first in this order counts. Files in the directory are read after the main file, in the order of their names, and later values override earlier ones. "),
        bold("vswapctl config"),
        roman(" prints the result."),
    ]);
    page.control("PP", []);
    page.text([roman(config::FORM)]);
    keys(
        &mut page,
        "SECTION [vswap]",
        "The device.",
        config::DEVICE_KEYS,
    );
    keys(
        &mut page,
        "SECTIONS [disk NAME]",
        "A disk or a swap file. NAME is a path, or PARTUUID=, PARTLABEL=, UUID= or LABEL= with its value.",
        config::DISK_KEYS,
    );
    page.control("SH", ["EXAMPLE"]);
    page.control("nf", []);
    page.text([roman(config::EXAMPLE)]);
    page.control("fi", []);
    page.control("SH", ["SEE ALSO"]);
    page.text([
        bold("vswapctl"),
        roman("(8), "),
        bold("vswapctl-config"),
        roman("(8), "),
        bold("swapon"),
        roman("(8)"),
    ]);
    page.render()
}

fn keys(page: &mut Roff, title: &str, about: &str, entries: &[Entry]) {
    page.control("SH", [title]);
    page.text([roman(about)]);
    for entry in entries {
        page.control("TP", []);
        page.text([bold(entry.key), roman(" = "), italic(entry.value)]);
        let default = match entry.default {
            "" => String::new(),
            default => format!(" Without it: {default}."),
        };
        page.text([roman(format!("{}{default}", entry.meaning))]);
    }
}
