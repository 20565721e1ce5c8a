// SPDX-License-Identifier: GPL-2.0-only

//! Completion with the Tab key. The shell's script runs this program for it, so that it offers the disks
//! and files of this machine.

use crate::bash::Bash;
use crate::cli::Cli;
use crate::disk::MIN_BYTES;
use crate::settings::Key;
use crate::size;
use crate::system::{Identity, System, TAGS};
use crate::zsh::Zsh;
use clap::{Command, CommandFactory};
use clap_complete::engine::{CompletionCandidate, PathCompleter, ValueCompleter as _};
use clap_complete::env::{EnvCompleter, Fish, Shells};
use clap_complete::CompleteEnv;
use rustix::fs::{major, makedev, minor};
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::Path;
use vswap_engine::codec::Algorithm;
use vswap_sysfs::Tier;

/// The variable with which a script asks for candidates.
pub const VARIABLE: &str = "_VSWAPCTL_COMPLETE";

/// The shells, and the file name that each one looks for.
pub const SHELLS: [(&dyn EnvCompleter, &str); 3] = [
    (&Bash, "vswapctl.bash"),
    (&Zsh, "_vswapctl"),
    (&Fish, "vswapctl.fish"),
];

/// If a shell asks for candidates, prints them and exits.
pub fn answer() {
    let shells = SHELLS.map(|(shell, _)| shell);
    CompleteEnv::with_factory(visible)
        .var(VARIABLE)
        .shells(Shells(&shells))
        .complete();
}

/// The script for a shell, which runs that program.
///
/// # Errors
///
/// None occur: it writes to memory only.
pub fn script(shell: &dyn EnvCompleter, program: &str) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    shell.write_registration(VARIABLE, "vswapctl", "vswapctl", program, &mut text)?;
    Ok(text)
}

/// The command line without hidden options and commands, which would otherwise be offered.
fn visible() -> Command {
    let command = Cli::command();
    let mut new = Command::new("vswapctl").version(env!("CARGO_PKG_VERSION"));
    if let Some(about) = command.get_about() {
        new = new.about(about.clone());
    }
    let arguments = command.get_arguments().filter(|one| !one.is_hide_set());
    let commands = command.get_subcommands().filter(|one| !one.is_hide_set());
    new.args(arguments.cloned()).subcommands(commands.cloned())
}

/// The machine. Only the environment can name another root, as no command line has been parsed yet.
fn system() -> System {
    let root = env::var_os("VSWAP_ROOT").unwrap_or_else(|| "/".into());
    System::new(Path::new(&root))
}

/// The names of the settings.
pub fn keys() -> Vec<CompletionCandidate> {
    Key::ALL.into_iter().map(|key| key.name().into()).collect()
}

/// Settings with their values, or up to the `=` if there is no list of values.
pub fn assignments() -> Vec<CompletionCandidate> {
    let values = |key: Key| match key {
        Key::Algorithm => Algorithm::ALL.map(Algorithm::name).to_vec(),
        _ => vec![""],
    };
    let assignment = |key: Key| {
        let name = key.name();
        let values = values(key).into_iter();
        values.map(move |value| CompletionCandidate::new(format!("{name}={value}")))
    };
    Key::ALL.into_iter().flat_map(assignment).collect()
}

/// The names of the algorithms.
pub fn algorithms() -> Vec<CompletionCandidate> {
    Vec::from(Algorithm::ALL.map(|one| one.name().into()))
}

/// The disks and swap files that can be removed.
pub fn removable() -> Vec<CompletionCandidate> {
    let system = system();
    let candidate = |tier: Tier| {
        let name = match system.loop_file(&tier.path) {
            Some(behind) => behind.path.into_os_string(),
            None => OsString::from(&tier.path),
        };
        let size = size::human(tier.size);
        let used = size::human(tier.used);
        candidate(name, format!("{used} of {size} in use"))
    };
    tiers(&system).filter_map(candidate).collect()
}

fn tiers(system: &System) -> impl Iterator<Item = Tier> {
    let tiers = system.device().map(|device| device.tiers());
    tiers.into_iter().flatten().flatten()
}

/// What can be added: unused block devices, tags, and files whose names match.
pub fn disks(current: &OsStr) -> Vec<CompletionCandidate> {
    let text = current.to_string_lossy();
    let system = system();
    let mut found: Vec<CompletionCandidate> = devices(&system)
        .into_iter()
        .chain(tags(&system, &text))
        .filter(|one| one.get_value().to_string_lossy().starts_with(&*text))
        .collect();
    let can_be_one = move |path: &Path| match Identity::of(path) {
        Some(Identity::Device(number)) => free(&system, number).is_some(),
        Some(Identity::File(..)) => path.is_file(),
        None => false,
    };
    let named = PathCompleter::any().filter(can_be_one).complete(current);
    for one in named {
        let is_new = found
            .iter()
            .all(|other| other.get_value() != one.get_value());
        if is_new && is_printable(one.get_value()) {
            found.push(one);
        }
    }
    found
}

/// Names by a tag. As there are many, they are left out while nothing has been typed, and values while
/// the tag is incomplete.
fn tags(system: &System, text: &str) -> Vec<CompletionCandidate> {
    let values = |(tag, directory): (&str, &str)| -> Vec<CompletionCandidate> {
        let tag = format!("{tag}=");
        if text.is_empty() || !text.starts_with(&tag) {
            let is_begun = !text.is_empty() && tag.starts_with(text);
            return is_begun.then(|| tag.into()).into_iter().collect();
        }
        // Names that udev has encoded are left to users who know the encoding.
        names(&system.path("/dev/disk").join(directory))
            .into_iter()
            .filter(|name| !name.contains('\\'))
            .map(|name| format!("{tag}{name}").into())
            .collect()
    };
    TAGS.into_iter().flat_map(values).collect()
}

/// The names in a directory, sorted.
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

/// The block devices that can be added.
fn devices(system: &System) -> Vec<CompletionCandidate> {
    let device = |name: String| {
        let number = system.read(&format!("/sys/class/block/{name}/dev"))?;
        let (major, minor) = number.split_once(':')?;
        let number = makedev(major.parse().ok()?, minor.parse().ok()?);
        let bytes = free(system, number)?;
        candidate(format!("/dev/{name}").into(), size::human(bytes))
    };
    let names = names(&system.path("/sys/class/block"));
    names.into_iter().filter_map(device).collect()
}

/// The size of a block device, if it is large enough, unpartitioned, not mounted and not otherwise in
/// use.
fn free(system: &System, number: u64) -> Option<u64> {
    let directory = format!("/sys/dev/block/{}:{}", major(number), minor(number));
    let sectors = system.read(&format!("{directory}/size"))?;
    let bytes = sectors.parse::<u64>().ok()?.saturating_mul(512);
    let is_read_only = system.read(&format!("{directory}/ro")).as_deref() == Some("1");
    let mut parts = fs::read_dir(system.path(&directory)).ok()?;
    let is_divided =
        parts.any(|part| part.is_ok_and(|part| part.path().join("partition").exists()));
    let disk = Identity::Device(number);
    let is_free = bytes >= MIN_BYTES
        && !is_read_only
        && !is_divided
        && system.holder(disk).is_none()
        && !tiers(system).any(|tier| Identity::of_tier(&tier) == Some(disk));
    is_free.then_some(bytes)
}

/// A candidate with its description. `None`: its name contains control characters.
fn candidate(name: OsString, help: String) -> Option<CompletionCandidate> {
    is_printable(&name).then(|| CompletionCandidate::new(name).help(Some(help.into())))
}

fn is_printable(name: &OsStr) -> bool {
    name.to_str()
        .is_some_and(|name| crate::out::printable(name) == name)
}
