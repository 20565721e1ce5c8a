// SPDX-License-Identifier: GPL-2.0-only

//! The configuration: `vswap.conf` and its drop-ins.
//!
//! The files are read here and not by a crate for INI files: the available crates don't tell the line of
//! a value, which a user looks for when it is wrong, or don't distinguish an empty value from a missing
//! one.

use crate::bring::Plan;
use crate::disk::{self, Disk};
use crate::expression::{self, Expression};
use crate::failure::{failed, usage, Failure};
use crate::out;
use crate::settings::Key;
use crate::size;
use crate::system::{self, System};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use vswap_engine::config::Refusal;
use vswap_engine::entry::MAX_DISKS;
use vswap_engine::watermarks::Watermarks;
use vswap_sysfs::{known, DiskOptions, Protection};

/// The default priority as a swap device.
pub const PRIORITY: i16 = 100;

/// The directories with the files; files in the first override those in the others.
const DIRECTORIES: [&str; 4] = ["/etc", "/run", "/usr/local/lib", "/usr/lib"];

/// A key of the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its name.
    pub key: &'static str,
    /// The kind of its value, in a word.
    pub value: &'static str,
    /// Its default.
    pub default: &'static str,
    /// What it means, in a sentence.
    pub meaning: &'static str,
}

/// The keys of the section `[vswap]`.
pub const DEVICE_KEYS: &[Entry] = &[
    Entry { key: "size", value: "SIZE", default: "ram * 16", meaning: "Virtual size: how much can be swapped out. Unused size costs nothing." },
    Entry { key: "ram-limit", value: "SIZE", default: "ram / 2", meaning: "The most memory that compressed pages may take. 0 uses disks only." },
    Entry { key: "algorithm", value: "NAME", default: "lz4", meaning: "The compression algorithm: lz4 or zstd." },
    Entry { key: "priority", value: "NUMBER", default: "100", meaning: "Priority among swap devices: the highest is used first. With -1 the kernel chooses." },
    Entry { key: "high-watermark", value: "PERCENT", default: "95", meaning: "Above this share of ram-limit, vswap writes cold pages to disks." },
    Entry { key: "low-watermark", value: "PERCENT", default: "92", meaning: "It stops at this share of ram-limit." },
    Entry { key: "writeback-limit", value: "SIZE", default: "0", meaning: "The most that vswap writes to disks in a day by itself; beyond it pages stay in memory. 0 is no limit." },
];

/// The keys of the sections `[disk PATH]`.
pub const DISK_KEYS: &[Entry] = &[
    Entry {
        key: "priority",
        value: "NUMBER",
        default: "0",
        meaning: "Disks of higher priority are filled first.",
    },
    Entry {
        key: "optional",
        value: "yes|no",
        default: "yes",
        meaning: "With yes, a disk that can't be added is a warning. With no, nothing starts without it.",
    },
    Entry {
        key: "encrypt",
        value: "yes|no",
        default: "no",
        meaning: "With yes, vswap encrypts the pages with a key that exists in memory only.",
    },
    Entry {
        key: "integrity",
        value: "yes|no",
        default: "no",
        meaning: "With yes, vswap detects pages that changed on the disk; reading one is an error. This takes 8 bytes of memory for each page of the disk.",
    },
    Entry {
        key: "compress",
        value: "yes|no",
        default: "",
        meaning: "With yes, pages of the memory tier stay compressed on the disk: they take less of it, and less is written. Without it they do, unless the disk is memory.",
    },
    Entry {
        key: "discard",
        value: "yes|no",
        default: "no",
        meaning: "With yes, vswap tells the disk in the background which of its blocks hold nothing. This is not possible for a swap file.",
    },
    Entry {
        key: "create-size",
        value: "SIZE",
        default: "",
        meaning: "The path is a swap file; if it does not exist, it is made with this size.",
    },
    Entry {
        key: "enabled",
        value: "yes|no",
        default: "yes",
        meaning: "With no, the disk is left out, as if its section were not there.",
    },
    Entry {
        key: "force",
        value: "yes|no",
        default: "no",
        meaning: "With yes, a file system or other data on the disk is overwritten.",
    },
];

/// The description of the file format, for the help and the man page.
pub const FORM: &str = "Sizes are bytes, or numbers with K, M, G or T (powers of 1024; KiB is the same, KB a power \
    of 1000), or expressions of the machine's RAM with + - * / min() max(): 'ram / 2', 'min(ram, 8G)', '25%'. Lines \
    that begin with # or ; are comments; a comment needs a line of its own. An empty value resets a key to its \
    default. A disk is named by its path, or by PARTUUID=, PARTLABEL=, UUID= or LABEL=.";

/// An example.
pub const EXAMPLE: &str =
    "[vswap]\nsize = ram * 2\nram-limit = min(ram / 2, 8G)\nalgorithm = lz4\n\n\
    [disk /dev/nvme0n1p3]\npriority = 10\n\n[disk /var/swapfile]\ncreate-size = 8G\n";

/// The keys, for the help.
pub fn help() -> String {
    let mut text = String::new();
    for (title, entries) in [("[vswap]:", DEVICE_KEYS), ("[disk NAME]:", DISK_KEYS)] {
        let _ = writeln!(text, "Keys of {title}");
        for entry in entries {
            let default = match entry.default {
                "" => String::new(),
                default => format!(" [default: {default}]"),
            };
            let _ = writeln!(text, "  {} = {}", entry.key, entry.value);
            let meaning = format!("{}{default}", entry.meaning);
            // Narrow enough that clap does not wrap it again.
            let indented = textwrap::Options::new(76)
                .initial_indent("      ")
                .subsequent_indent("      ");
            let _ = writeln!(text, "{}", textwrap::fill(&meaning, indented));
        }
        text.push('\n');
    }
    let _ = writeln!(text, "{FORM}\n\nExample:\n");
    for line in EXAMPLE.lines() {
        let _ = writeln!(text, "  {line}");
    }
    text
}

/// A problem in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1. 0 stands for the whole file.
    pub line: usize,
    /// A sentence that names the key, without a full stop.
    pub sentence: String,
    /// Whether nothing can be started because of it.
    pub is_fatal: bool,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:", self.file.display())?;
        if self.line > 0 {
            write!(formatter, "{}:", self.line)?;
        }
        write!(formatter, " {}", self.sentence)
    }
}

/// The contents of the files: keys and values by section, each with its line.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The files, in the order in which they were read.
    pub files: Vec<PathBuf>,
    /// The values of `[vswap]`.
    device: Values,
    /// The sections `[disk NAME]`, in order of appearance.
    disks: Vec<Section>,
    /// Lines that make no sense.
    problems: Vec<Problem>,
}

type Values = BTreeMap<String, Value>;

#[derive(Clone, Debug)]
struct Section {
    name: String,
    values: Values,
    /// Where it was last named.
    at: (PathBuf, usize),
    /// Whether it contains a mistake, so that the disk's options are unknown.
    is_broken: bool,
}

#[derive(Clone, Debug)]
struct Value {
    text: String,
    file: PathBuf,
    line: usize,
}

/// The section that a line belongs to.
enum Place {
    /// None, or an unknown one whose lines are skipped.
    Nowhere {
        is_said: bool,
    },
    Device,
    Disk(usize),
}

impl Config {
    /// The configuration of that machine. What can't be read or makes no sense is left out, and becomes
    /// a problem of the [plan](Self::plan).
    pub fn load(system: &System) -> Self {
        let mut config = Self::default();
        let main = DIRECTORIES
            .iter()
            .map(|directory| system.path(&format!("{directory}/vswap.conf")));
        let main = main.into_iter().find(|file| file.exists());
        for file in main.into_iter().chain(drop_ins(system).into_values()) {
            if let Err(error) = config.read(&file) {
                config.problems.push(Problem {
                    file,
                    line: 0,
                    sentence: format!("it can't be read: {error}"),
                    is_fatal: false,
                });
            }
        }
        config
    }

    /// The configuration in one file.
    ///
    /// # Errors
    ///
    /// The file can't be read.
    pub fn of_file(file: &Path) -> Result<Self, Failure> {
        let mut config = Self::default();
        config
            .read(file)
            .map_err(|error| failed(format!("{}: {error}", file.display())))?;
        Ok(config)
    }

    /// Reads a file. Its values replace earlier ones.
    fn read(&mut self, file: &Path) -> io::Result<()> {
        let bytes = fs::read(file)?;
        self.files.push(file.to_owned());
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        let mut place = Place::Nowhere { is_said: false };
        for (line, bytes) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
            let bytes = bytes.trim_ascii();
            if bytes.is_empty() || bytes.starts_with(b"#") || bytes.starts_with(b";") {
                continue;
            }
            let Err(sentence) = self.read_line(bytes, file, line, &mut place) else {
                continue;
            };
            if let Place::Disk(index) = place {
                self.disks[index].is_broken = true;
            }
            self.problems.push(Problem {
                file: file.to_owned(),
                line,
                sentence,
                is_fatal: false,
            });
        }
        Ok(())
    }

    /// Reads a line that is not a comment. An error is a sentence for the user.
    fn read_line(
        &mut self,
        bytes: &[u8],
        file: &Path,
        line: usize,
        place: &mut Place,
    ) -> Result<(), String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "this line is not UTF-8".to_owned())?;
        if let Some(name) = text.strip_prefix('[') {
            *place = Place::Nowhere { is_said: true };
            let name = name.strip_suffix(']').ok_or_else(|| {
                format!("'{text}' is not a section: it has to end with ]; a comment needs a line of its own")
            })?;
            *place = self.section(name.trim(), file, line)?;
            return Ok(());
        }
        let (keys, values) = match place {
            Place::Nowhere { is_said: true } => return Ok(()),
            Place::Nowhere { is_said } => {
                *is_said = true;
                return Err(format!("'{text}' stands before the first section"));
            }
            Place::Device => (DEVICE_KEYS, &mut self.device),
            Place::Disk(index) => (DISK_KEYS, &mut self.disks[*index].values),
        };
        let (key, value) = text
            .split_once('=')
            .ok_or_else(|| format!("'{text}' is neither a section nor KEY = VALUE"))?;
        let (key, value) = (key.trim(), value.trim());
        if !keys.iter().any(|entry| entry.key == key) {
            let names: Vec<&str> = keys.iter().map(|entry| entry.key).collect();
            return Err(format!(
                "there is no key '{key}' here; there are {}",
                names.join(", ")
            ));
        }
        if value.is_empty() {
            values.remove(key);
            return Ok(());
        }
        let value = Value {
            text: value.to_owned(),
            file: file.to_owned(),
            line,
        };
        values.insert(key.to_owned(), value);
        Ok(())
    }

    fn section(&mut self, name: &str, file: &Path, line: usize) -> Result<Place, String> {
        if name == "vswap" {
            return Ok(Place::Device);
        }
        let disk = name
            .strip_prefix("disk")
            .map(str::trim)
            .filter(|disk| system::resolve(disk).is_absolute());
        let disk = disk.ok_or_else(|| {
            format!("there is no section [{name}]; there are [vswap] and [disk NAME], whose NAME is an absolute path or PARTUUID=, PARTLABEL=, UUID= or LABEL=")
        })?;
        let at = (file.to_owned(), line);
        let index = self.disks.iter().position(|section| section.name == disk);
        if let Some(index) = index {
            self.disks[index].at = at;
            return Ok(Place::Disk(index));
        }
        self.disks.push(Section {
            name: disk.to_owned(),
            values: Values::new(),
            at,
            is_broken: false,
        });
        Ok(Place::Disk(self.disks.len() - 1))
    }

    /// How to set the device up, on a machine with that much RAM, and the problems in the files. The
    /// plan contains nothing that has a problem: such a setting keeps the device's value, and such a
    /// disk is left out.
    pub fn plan(&self, ram: u64) -> (Plan, Vec<Problem>) {
        let mut plan = Plan {
            priority: PRIORITY,
            ..Plan::default()
        };
        let mut problems = self.problems.clone();
        for entry in DEVICE_KEYS {
            let Some(value) = self.device.get(entry.key) else {
                continue;
            };
            if let Err(sentence) = set(&mut plan, entry.key, value, ram) {
                problems.push(value.problem(sentence));
            }
        }
        if let Some(value) = self.crossing(&plan) {
            let sentence = format!("{}: {}", value.0, Refusal::WatermarksCross.message());
            problems.push(value.1.problem(sentence));
            plan.settings
                .retain(|(key, _)| !matches!(key, Key::HighWatermark | Key::LowWatermark));
        }
        for section in &self.disks {
            if section.is_enabled() == Ok(false) {
                continue;
            }
            match section.disk(ram) {
                Ok(_) if section.is_broken => {}
                Ok(_) if plan.disks.len() == MAX_DISKS => problems.push(Problem {
                    file: section.at.0.clone(),
                    line: section.at.1,
                    sentence: format!(
                        "[disk {}] is one too many: there can be {MAX_DISKS} disks",
                        section.name
                    ),
                    is_fatal: false,
                }),
                Ok(disk) => plan.disks.push(disk),
                Err(problem) => problems.push(problem),
            }
            // Nothing may be started without a required disk.
            if section.is_broken && section.yes("optional", true) == Ok(false) {
                problems.push(Problem {
                    file: section.at.0.clone(),
                    line: section.at.1,
                    sentence: format!("[disk {}] has a mistake, and is not optional", section.name),
                    is_fatal: true,
                });
            }
        }
        problems.sort_by_key(|problem| {
            let file = self.files.iter().position(|file| *file == problem.file);
            (file, problem.line)
        });
        (plan, problems)
    }

    /// The watermark that is on the wrong side of the other one.
    fn crossing(&self, plan: &Plan) -> Option<(&'static str, &Value)> {
        let marks = Watermarks::default();
        let percent = |key: Key, default: u64| {
            let set = plan.settings.iter().find(|(name, _)| *name == key);
            set.and_then(|(_, value)| value.parse().ok())
                .unwrap_or(default)
        };
        let high = percent(Key::HighWatermark, marks.high_percent());
        let low = percent(Key::LowWatermark, marks.low_percent());
        if low < high {
            return None;
        }
        ["low-watermark", "high-watermark"]
            .into_iter()
            .find_map(|name| Some((name, self.device.get(name)?)))
    }

    /// Prints all problems and refuses a configuration that has one.
    ///
    /// # Errors
    ///
    /// There is a problem.
    pub fn check(&self, system: &System) -> Result<(), Failure> {
        let (_, problems) = self.plan(ram_of(system));
        for problem in &problems {
            out::note(&format!("{}\n", out::printable(&problem.to_string())));
        }
        match problems.len() {
            0 => Ok(()),
            1 => Err(usage("there is a problem with the configuration")),
            number => Err(usage(format!(
                "there are {number} problems with the configuration"
            ))),
        }
    }

    /// The files and all values, as one file. Each value is shown with its origin, and with the device's
    /// value if that differs.
    pub fn show(&self, system: &System) -> String {
        let mut text = String::new();
        for file in &self.files {
            let _ = writeln!(text, "# {}", file.display());
        }
        if self.files.is_empty() {
            text.push_str("# there is no configuration; these are the defaults\n");
        }
        let (_, problems) = self.plan(ram_of(system));
        for problem in problems {
            let _ = writeln!(text, "# problem: {problem}");
        }
        let mut section = |title: &str, keys: &[Entry], values: &Values, is_device: bool| {
            let _ = writeln!(text, "\n[{title}]");
            for entry in keys {
                let value = values.get(entry.key);
                if let Some(value) = value {
                    let _ = writeln!(text, "# {}:{}", value.file.display(), value.line);
                }
                let wanted = value.map_or(entry.default, |value| &value.text);
                if let Some(actual) = actual(system, entry.key, wanted).filter(|_| is_device) {
                    let _ = writeln!(text, "# the device has {actual}");
                }
                match value {
                    Some(value) => {
                        let _ = writeln!(text, "{} = {}", entry.key, value.text);
                    }
                    None if entry.default.is_empty() => {}
                    None => {
                        let _ = writeln!(text, "# {} = {}", entry.key, entry.default);
                    }
                }
            }
        };
        section("vswap", DEVICE_KEYS, &self.device, true);
        for one in &self.disks {
            section(&format!("disk {}", one.name), DISK_KEYS, &one.values, false);
        }
        text
    }
}

/// The configuration, for scripts.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Document {
    /// Version of this document.
    pub version: u32,
    /// The files, in the order in which they were read.
    pub files: Vec<String>,
    /// The keys of `[vswap]`.
    pub device: Vec<Shown>,
    /// The disks, by name.
    pub disks: Vec<ShownDisk>,
    /// Problems, with file and line.
    pub problems: Vec<String>,
}

/// A disk of the configuration.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ShownDisk {
    /// Its name in the file.
    pub name: String,
    /// The path that the name stands for.
    pub path: String,
    /// Its keys.
    pub keys: Vec<Shown>,
}

/// A value of the configuration.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Shown {
    /// The key.
    pub key: String,
    /// The value as written, or the default; `null` if there is no default.
    pub value: Option<String>,
    /// File and line; `null` for a default.
    pub from: Option<String>,
    /// The device's value, if it differs.
    pub actual: Option<String>,
}

impl Config {
    /// The configuration, for scripts.
    pub fn document(&self, system: &System) -> Document {
        let shown = |entry: &Entry, values: &Values, is_device: bool| {
            let value = values.get(entry.key);
            let wanted = value.map_or(entry.default, |value| &value.text);
            Shown {
                key: entry.key.to_owned(),
                value: Some(wanted.to_owned()).filter(|wanted| !wanted.is_empty()),
                from: value.map(|value| format!("{}:{}", value.file.display(), value.line)),
                actual: actual(system, entry.key, wanted).filter(|_| is_device),
            }
        };
        let (_, problems) = self.plan(ram_of(system));
        let files = self.files.iter().map(|file| file.display().to_string());
        let device = DEVICE_KEYS
            .iter()
            .map(|entry| shown(entry, &self.device, true));
        let disks = self.disks.iter().map(|section| {
            let keys = DISK_KEYS
                .iter()
                .map(|entry| shown(entry, &section.values, false));
            ShownDisk {
                name: section.name.clone(),
                path: system::resolve(&section.name).display().to_string(),
                keys: keys.collect(),
            }
        });
        Document {
            version: 1,
            files: files.collect(),
            device: device.collect(),
            disks: disks.collect(),
            problems: problems.iter().map(ToString::to_string).collect(),
        }
    }
}

/// The machine's RAM, or a typical size to check with if that is unknown.
fn ram_of(system: &System) -> u64 {
    Some(system.ram()).filter(|ram| *ram > 0).unwrap_or(8 << 30)
}

/// The device's value, if it is not the wanted one.
fn actual(system: &System, key: &str, wanted: &str) -> Option<String> {
    if key == "priority" {
        let actual = system.swap()?.priority.to_string();
        return Some(actual).filter(|actual| actual != wanted && wanted != "-1");
    }
    let key = Key::from_name(key).ok()?;
    let device = system.device().ok()?;
    let actual = known(key.get(&device)).ok()??;
    let wanted = key.parse(wanted, system.ram()).ok()?;
    let shown = match actual.parse() {
        Ok(bytes) if key.is_size() => size::exact(bytes),
        _ => actual.clone(),
    };
    (actual != wanted).then_some(shown)
}

/// The drop-ins that are used, by name. A link to `/dev/null` hides files of the same name in later
/// directories. Hidden files, editors' backups and broken links are ignored.
fn drop_ins(system: &System) -> BTreeMap<std::ffi::OsString, PathBuf> {
    let mut files = BTreeMap::new();
    for directory in DIRECTORIES {
        let directory = system.path(&format!("{directory}/vswap.conf.d"));
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let text = name.to_string_lossy();
            let is_ours = text.ends_with(".conf") && !text.starts_with(['.', '#']);
            // Links are followed.
            let is_there = fs::metadata(entry.path()).is_ok_and(|metadata| !metadata.is_dir());
            if is_ours && is_there {
                files.entry(name).or_insert_with(|| entry.path());
            }
        }
    }
    files
}

impl Value {
    fn problem(&self, sentence: String) -> Problem {
        Problem {
            file: self.file.clone(),
            line: self.line,
            sentence,
            is_fatal: false,
        }
    }
}

/// Adds a setting of the device to the plan. An error is a sentence for the user.
fn set(plan: &mut Plan, name: &str, value: &Value, ram: u64) -> Result<(), String> {
    let text = &value.text;
    let with_remark = |sentence: String| {
        if text.contains([';', '#']) {
            format!("{sentence}; a comment needs a line of its own")
        } else {
            sentence
        }
    };
    if name == "priority" {
        let priority = text.parse().ok().filter(|priority| *priority >= -1);
        plan.priority = priority.ok_or_else(|| {
            with_remark(format!(
                "priority: '{text}' is not a priority from -1 to 32767"
            ))
        })?;
        return Ok(());
    }
    let key = Key::from_name(name).map_err(|failure| failure.sentence)?;
    let parsed = key.parse(text, ram).map_err(|failure| {
        let reason = failure.sentence;
        let reason = reason.strip_prefix(key.name()).unwrap_or(&reason);
        with_remark(format!("{name}: {}", reason.trim_start_matches(": ")))
    })?;
    plan.settings.push((key, parsed));
    Ok(())
}

impl Section {
    fn is_enabled(&self) -> Result<bool, Problem> {
        self.yes("enabled", true)
    }

    fn yes(&self, key: &str, default: bool) -> Result<bool, Problem> {
        let Some(value) = self.values.get(key) else {
            return Ok(default);
        };
        match value.text.to_ascii_lowercase().as_str() {
            "yes" | "true" | "on" | "1" => Ok(true),
            "no" | "false" | "off" | "0" => Ok(false),
            text => Err(value.problem(format!("{key}: '{text}' is not yes or no"))),
        }
    }

    /// The disk, and whether it is optional.
    fn disk(&self, ram: u64) -> Result<(Disk, bool), Problem> {
        let is_optional = self.yes("optional", true)?;
        let disk = self.required(ram).map_err(|problem| Problem {
            is_fatal: !is_optional,
            ..problem
        })?;
        Ok((disk, is_optional))
    }

    fn required(&self, ram: u64) -> Result<Disk, Problem> {
        self.is_enabled()?;
        let priority = match self.values.get("priority") {
            Some(value) => value.text.parse().map_err(|_| {
                value.problem(format!("priority: '{}' is not a whole number", value.text))
            })?,
            None => 0,
        };
        let path = system::resolve(&self.name);
        let size = |value: &Value| -> Result<u64, Problem> {
            let wrong = |sentence: String| value.problem(format!("create-size: {sentence}"));
            if path.starts_with("/dev") {
                return Err(wrong(format!(
                    "'{}' is a device, not a file to create",
                    self.name
                )));
            }
            let expression = expression::parse(&value.text).map_err(wrong)?;
            let bytes = checked(&expression, ram).map_err(wrong)?;
            disk::check_created(bytes).map_err(|failure| wrong(failure.sentence))
        };
        Ok(Disk {
            priority,
            options: DiskOptions {
                protection: Protection {
                    encrypt: self.yes("encrypt", false)?,
                    integrity: self.yes("integrity", false)?,
                },
                compress: match self.values.get("compress") {
                    Some(_) => Some(self.yes("compress", false)?),
                    None => None,
                },
                discard: self.yes("discard", false)?,
            },
            create: self.values.get("create-size").map(size).transpose()?,
            takes_any_size: true,
            force: self.yes("force", false)?,
            path,
        })
    }
}

/// The expression's value. Refuses a number that was probably meant to have a unit.
///
/// # Errors
///
/// A sentence for the user.
pub fn checked(expression: &Expression, ram: u64) -> Result<u64, String> {
    let bytes = expression.bytes(ram)?;
    match expression.suspect(bytes) {
        Some(number) => Err(format!(
            "'{expression}' is only {bytes} bytes; did you mean {number}M?"
        )),
        None => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn machine(files: &[(&str, &str)]) -> (tempfile::TempDir, System) {
        let root = tempfile::tempdir().expect("a directory");
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
            fs::write(path, text).expect("a file");
        }
        let system = System::new(root.path());
        (root, system)
    }

    fn all(files: &[(&str, &str)]) -> (Plan, Vec<Problem>) {
        let (_root, system) = machine(files);
        Config::load(&system).plan(4 << 30)
    }

    fn plan(files: &[(&str, &str)]) -> Plan {
        let (plan, problems) = all(files);
        assert!(problems.is_empty(), "{problems:?}");
        plan
    }

    #[test]
    fn no_file_means_defaults() {
        let plan = plan(&[]);
        assert_eq!(plan.priority, 100);
        assert!(plan.settings.is_empty() && plan.disks.is_empty());
    }

    #[test]
    fn the_example_is_read_correctly() {
        let plan = plan(&[("etc/vswap.conf", EXAMPLE)]);
        assert!(plan
            .settings
            .contains(&(Key::Size, (8u64 << 30).to_string())));
        assert!(plan
            .settings
            .contains(&(Key::RamLimit, (2u64 << 30).to_string())));
        assert_eq!(plan.disks.len(), 2);
        let (first, is_optional) = &plan.disks[0];
        assert_eq!(
            (first.path.as_path(), first.priority, *is_optional),
            (Path::new("/dev/nvme0n1p3"), 10, true)
        );
        assert_eq!(plan.disks[1].0.create, Some(8 << 30));
    }

    #[test]
    fn etc_overrides_usr_and_later_names_override_earlier_ones() {
        let files = [
            ("usr/lib/vswap.conf", "[vswap]\nsize = 1G\n"),
            (
                "etc/vswap.conf",
                "[vswap]\npriority = 5\nalgorithm = lz4\n[disk /dev/a]\n",
            ),
            (
                "usr/lib/vswap.conf.d/10-a.conf",
                "[vswap]\nalgorithm = zstd\n",
            ),
            (
                "run/vswap.conf.d/20-b.conf",
                "[vswap]\npriority = 7\n[disk /dev/a]\npriority=3\noptional=no",
            ),
            ("usr/lib/vswap.conf.d/20-b.conf", "[vswap]\npriority = 8\n"),
            ("etc/vswap.conf.d/README", "nonsense"),
        ];
        let plan = plan(&files);
        assert_eq!(plan.settings, [(Key::Algorithm, "zstd".to_owned())]);
        assert_eq!(plan.priority, 7);
        assert_eq!(plan.disks.len(), 1);
        assert_eq!((plan.disks[0].0.priority, plan.disks[0].1), (3, false));
    }

    #[test]
    fn drop_ins_follow_the_rules_of_systemd() {
        let (root, system) = machine(&[
            ("usr/lib/vswap.conf.d/10-a.conf", "[vswap]\npriority = 1\n"),
            ("usr/lib/vswap.conf.d/20-b.conf", "[vswap]\nsize = 1G\n"),
            ("etc/vswap.conf.d/.hidden.conf", "nonsense"),
            ("etc/vswap.conf.d/#20-b.conf", "nonsense"),
            ("etc/vswap.conf.d/20-b.conf~", "nonsense"),
            ("etc/vswap.conf.d/20-b.conf.dpkg-old", "nonsense"),
            ("shared/30-c.conf", "[vswap]\nalgorithm = zstd\n"),
        ]);
        let link = |to: &Path, name: &str| {
            let name = root.path().join("etc/vswap.conf.d").join(name);
            std::os::unix::fs::symlink(to, name).expect("a link");
        };
        link(Path::new("/dev/null"), "10-a.conf");
        link(&root.path().join("shared/30-c.conf"), "30-c.conf");
        link(Path::new("/there/is/none"), "40-d.conf");
        let config = Config::load(&system);
        let (plan, problems) = config.plan(4 << 30);
        assert_eq!(problems, []);
        assert_eq!(plan.priority, PRIORITY);
        assert_eq!(plan.settings.len(), 2, "{:?}", plan.settings);
    }

    #[test]
    fn harmless_input_is_accepted() {
        let (root, system) = machine(&[("etc/vswap.conf.d/10-a.conf", "")]);
        let file = root.path().join("etc/vswap.conf");
        let text = b"\xef\xbb\xbf[vswap]\r\n# caf\xe9\r\n  ; more\r\nsize = 1G\r\npriority = 5\n\
            [disk PARTUUID=0A1B]\n[disk /dev/b]\npriority = 4\n[disk LABEL=my disk]\n";
        fs::write(file, text).expect("a file");
        let drop_in =
            "[vswap]\npriority =\n[disk PARTUUID=0A1B]\nenabled = no\n[disk /dev/b]\npriority=\n";
        fs::write(root.path().join("etc/vswap.conf.d/10-a.conf"), drop_in).expect("a file");
        let (plan, problems) = Config::load(&system).plan(4 << 30);
        assert_eq!(problems, []);
        assert_eq!(plan.settings, [(Key::Size, (1u64 << 30).to_string())]);
        assert_eq!(plan.priority, PRIORITY, "an empty value resets");
        let disks: Vec<_> = plan
            .disks
            .iter()
            .map(|(disk, _)| (disk.path.to_str(), disk.priority))
            .collect();
        let label = "/dev/disk/by-label/my\\x20disk";
        assert_eq!(disks, [(Some("/dev/b"), 0), (Some(label), 0)]);
    }

    #[test]
    fn problems_are_reported_with_their_lines() {
        for (text, line, sentence) in [
            ("size = 1G", 1, "before the first section"),
            (
                "[zram0]\nzram-size = 1\n",
                1,
                "no section [zram0]; there are [vswap] and [disk NAME]",
            ),
            ("[disk sda]\n", 1, "no section [disk sda]"),
            (
                "[vswap]\n\nsizes = 1G\n",
                3,
                "no key 'sizes' here; there are size, ram-limit",
            ),
            ("[vswap]\nsize = big\n", 2, "size: 'big' is not a size"),
            (
                "[vswap]\nsize = 0\n",
                2,
                "size: the virtual size is too small",
            ),
            (
                "[vswap]\nsize = 17T\n",
                2,
                "size: the virtual size is too large",
            ),
            (
                "[vswap]\nram-limit = 5G\n",
                2,
                "ram-limit: the ram limit is larger than the machine's RAM",
            ),
            (
                "[vswap]\nram-limit = min(ram / 2, 4096)\n",
                2,
                "is only 4096 bytes; did you mean 4096M?",
            ),
            ("[vswap]\nsize = 512\n", 2, "did you mean 512M?"),
            ("[vswap]\nwriteback-limit = 100\n", 2, "did you mean 100M?"),
            (
                "[vswap]\nalgorithm = lzo-rle\n",
                2,
                "there is no algorithm 'lzo-rle'; there are lz4, zstd",
            ),
            (
                "[vswap]\nalgorithm = ZSTD\n",
                2,
                "there is no algorithm 'ZSTD'",
            ),
            (
                "[vswap]\nalgorithm = zstd ; remark\n",
                2,
                "a comment needs a line of its own",
            ),
            (
                "[vswap]\nhigh-watermark = 101\n",
                2,
                "high-watermark: write a whole number of percent",
            ),
            (
                "[vswap]\nhigh-watermark = 70\n",
                2,
                "the low watermark has to be below the high one",
            ),
            (
                "[vswap]\nhigh-watermark = 50\n\nlow-watermark = 60\n",
                4,
                "low-watermark: the low watermark has to be",
            ),
            (
                "[vswap]\npriority = 99999\n",
                2,
                "priority: '99999' is not a priority",
            ),
            (
                "[disk /dev/a]\noptional = perhaps\n",
                2,
                "optional: 'perhaps' is not yes or no",
            ),
            ("[disk /swap]\ncreate-size = 1M\n", 2, "at least 4 MiB"),
            (
                "[disk /dev/a]\ncreate-size = 1G\n",
                2,
                "'/dev/a' is a device, not a file",
            ),
            ("[vswap\n", 1, "has to end with ]"),
            (
                "[vswap]\n\nnonsense\n",
                3,
                "'nonsense' is neither a section nor KEY = VALUE",
            ),
        ] {
            let (_, problems) = all(&[("etc/vswap.conf", text)]);
            assert_eq!(problems.len(), 1, "{text}: {problems:?}");
            let shown = problems[0].to_string();
            assert!(shown.contains(sentence), "{text}: {shown}");
            assert!(
                shown.contains(&format!("etc/vswap.conf:{line}: ")),
                "{text}: {shown}"
            );
        }
    }

    #[test]
    fn a_problem_does_not_affect_other_lines() {
        let text = "[vswap]\nsize = big\npriority = 7\nalgorithm = zstd\n[disk /dev/a]\nencrpyt = yes\n[disk /dev/b]\n";
        let (plan, problems) = all(&[("etc/vswap.conf", text)]);
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems.iter().all(|problem| !problem.is_fatal));
        assert_eq!((plan.priority, plan.settings.len()), (7, 1));
        // The options of the first one are unknown.
        assert_eq!(plan.disks.len(), 1);
        let text = text.replace("encrpyt = yes", "encrpyt = yes\noptional = no");
        let (_, problems) = all(&[("etc/vswap.conf", &text)]);
        assert!(problems.iter().any(|problem| problem.is_fatal));
    }

    #[test]
    fn one_disk_too_many() {
        let disks: Vec<_> = (0..9)
            .map(|number| format!("[disk /dev/d{number}]\n"))
            .collect();
        let text = disks.concat();
        let (plan, problems) = all(&[("etc/vswap.conf", &text)]);
        assert_eq!((plan.disks.len(), problems.len()), (8, 1));
        let shown = problems[0].to_string();
        assert!(
            shown.contains(":9: [disk /dev/d8] is one too many"),
            "{shown}"
        );
    }

    #[test]
    fn shown_values_read_back_the_same() {
        let (root, system) = machine(&[("etc/vswap.conf", EXAMPLE)]);
        let shown = Config::load(&system).show(&system);
        assert!(shown.contains("vswap.conf:2\nsize = ram * 2\n"), "{shown}");
        let copy = root.path().join("copy");
        fs::write(&copy, &shown).expect("a file");
        let config = Config::of_file(&copy).expect("a configuration");
        let (plan, problems) = config.plan(1 << 30);
        assert_eq!((plan.disks.len(), problems.len()), (2, 0));
        let values = |text: &str| {
            text.lines()
                .filter(|line| !line.starts_with("# /"))
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let from = |text: &str| {
            values(text)
                .into_iter()
                .filter(|line| !line.contains(".conf:") && !line.contains("copy"))
                .collect::<Vec<_>>()
        };
        assert_eq!(from(&config.show(&system)), from(&shown));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_text_is_read_or_refused(text in "(\\[(vswap|disk /a)\\]\n)?([a-z-]{0,8} ?=? ?.{0,8}\n){0,4}") {
            let _ = all(&[("etc/vswap.conf", &text)]);
        }
    }
}
