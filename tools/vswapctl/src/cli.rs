// SPDX-License-Identifier: GPL-2.0-only

//! The command line. The help and the man pages are generated from this file.

use crate::columns::{self, Column};
use crate::failure::CODES;
use crate::json::What;
use crate::{age, completion, config, expression, system};
use clap::builder::{EnumValueParser, PossibleValue, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::engine::{ArgValueCandidates, ArgValueCompleter};
use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::Duration;

/// The text below the help.
fn statuses() -> String {
    let mut text = String::from("Exit status:\n");
    for (code, meaning) in CODES {
        text.push_str(&format!("  {code}  {meaning}\n"));
    }
    text.push_str(
        "\nSizes are bytes, or numbers with K, M, G or T (powers of 1024), or expressions of the \
         machine's RAM: 'ram / 2', 'min(ram, 8G)', '25%'.\n\n\
         Stability: scripts can rely on the exit status, on the documents of --json as 'vswapctl schema' \
         describes them, on the columns of 'status --list', on the names of the metrics, and on the keys of \
         vswap.conf(5). The text of screens and messages may change.",
    );
    text
}

/// Shows and changes the swap device vswap.
///
/// vswap is a swap device whose pages lie in compressed memory or on disks, which are added and
/// removed while it is in use. 'vswapctl on' loads the module and swaps on, 'vswapctl status'
/// shows what lies where, 'vswapctl add' gives it a disk or a swap file.
#[derive(Debug, Parser)]
#[command(name = "vswapctl", version, after_long_help = statuses(), max_term_width = 100)]
pub struct Cli {
    /// When to use colours; auto respects NO_COLOR and CLICOLOR_FORCE
    #[arg(long, global = true, value_enum, default_value_t = When::Auto, value_name = "WHEN")]
    pub color: When,
    /// The directory that stands for /, for tests
    #[arg(
        long,
        global = true,
        hide = true,
        env = "VSWAP_ROOT",
        hide_env = true,
        default_value = "/"
    )]
    pub root: PathBuf,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the device, its tiers, and what lies where
    ///
    /// Shows one screen; with one of --list, --output, --noheadings and --raw a table with a row for
    /// each part.
    Status(Status),
    /// Load the module, set the device up and swap it on
    ///
    /// Running it again changes only what its options say.
    On(On),
    /// Swap the device off and remove its disks
    ///
    /// All pages come back into memory, so there has to be room for them. The module stays loaded
    /// unless you give --unload, and keeps its settings.
    Off(Off),
    /// Add a disk or a swap file
    ///
    /// Overwrites a block device. A regular file becomes a disk through a loop device with direct
    /// I/O, which goes when the file is removed.
    Add(Add),
    /// Move everything away from a disk or a swap file, and remove it
    ///
    /// Shows how much has moved. Ctrl-C stops it; the remaining pages stay on the disk, which is in
    /// service again.
    Remove(Remove),
    /// Change settings of the device
    ///
    /// Settings: size, ram_limit, comp_algorithm, high_watermark, low_watermark, writeback_limit.
    Set(Set),
    /// Show settings of the device
    ///
    /// Shows one setting alone, or all of them.
    Get(Get),
    /// Write pages from memory to the disks now
    ///
    /// Writes those that were swapped out at least AGE ago, or all.
    Writeback(Ages),
    /// Compress pages in memory again, with zstd, now
    ///
    /// Compresses those that were swapped out at least AGE ago, or all.
    Recompress(Ages),
    /// Watch the device live
    ///
    /// Keys: q ends it, p pauses it.
    Top(Top),
    /// Print all figures for Prometheus
    ///
    /// The text format of Prometheus. For node_exporter's textfile collector, write it to a file
    /// that ends in .prom in the collector's directory.
    Metrics(Metrics),
    /// Measure this machine's device with a little memory
    ///
    /// Swaps out memory of its own, reads it back and frees it. Refuses to run if another swap device
    /// would be used first, or if there is too little memory.
    Bench(Bench),
    /// Find what gets in the way of vswap
    ///
    /// Checks the kernel, the module, other swap, zswap, hibernation and sysctls, and says what to do.
    /// Exits with 1 if there is a warning.
    Check(Json),
    /// Estimate what vswap would save on this machine
    ///
    /// Reads a sample of the memory of programs and compresses it as the module would, with each
    /// algorithm. Nothing is changed and nothing is swapped in; the module is not needed.
    Estimate(Estimate),
    /// Show which programs are swapped out, and how much of them
    ///
    /// Counts all swap devices together, as the kernel does not tell which pages are where. Only root
    /// sees other users' programs in full.
    Processes(Processes),
    /// Convert the configuration of zram-generator, zram-tools or rpi-swap
    Migrate(Migrate),
    /// Print the JSON schema of a command's output
    Schema(Schema),
    /// Show or check the configuration
    ///
    /// The configuration is /etc/vswap.conf with the drop-ins in /etc/vswap.conf.d/*.conf; files of
    /// the same names are looked for in /run, /usr/local/lib and /usr/lib, and those in /etc go
    /// before them.
    Config(Config),
    /// Bring the device up as it is configured
    ///
    /// For the service: does what 'vswapctl on' does, with values from the configuration. A mistake
    /// there is a warning, and so is a missing disk that is optional.
    Start(Start),
    /// Take the device down in order
    ///
    /// Swaps it off, removes its disks and detaches loop devices. Skips what is done already.
    Stop(Off),
    /// Write man pages or completions
    #[command(hide = true)]
    Generate(Generate),
}

/// Options of that command.
#[derive(Args, Debug, Default)]
pub struct Status {
    /// Say in a sentence what each figure means
    #[arg(long, conflicts_with_all = ["list", "output", "output_all", "noheadings", "raw", "json"])]
    pub explain: bool,
    /// A table: a row for each part, and a column for each figure
    #[arg(short, long)]
    pub list: bool,
    /// Columns of the table, separated by commas
    ///
    /// With a + before the first one, they are added to the default columns.
    #[arg(
        short,
        long,
        value_parser = ColumnParser,
        value_delimiter = ',',
        value_name = "COLUMNS"
    )]
    pub output: Vec<(bool, Column)>,
    /// All columns
    #[arg(short = 'O', long, conflicts_with = "output")]
    pub output_all: bool,
    /// A table without its headings
    #[arg(short, long)]
    pub noheadings: bool,
    /// A table with single blanks between the columns
    #[arg(short, long)]
    pub raw: bool,
    /// Sizes in bytes
    #[arg(short, long)]
    pub bytes: bool,
    /// JSON, with sizes in bytes: everything, or the columns named
    #[arg(short = 'J', long, conflicts_with_all = ["list", "noheadings", "raw"])]
    pub json: bool,
    /// Repeat every two seconds, or every SECONDS, until Ctrl-C
    #[arg(short, long, value_name = "SECONDS", num_args = 0..=1, require_equals = true, default_missing_value = "2", value_parser = seconds)]
    pub watch: Option<Duration>,
}

impl Status {
    /// Whether to print a table.
    pub fn is_table(&self) -> bool {
        self.list || self.output_all || self.noheadings || self.raw || !self.output.is_empty()
    }

    /// The columns to show. Empty: the default ones.
    pub fn columns(&self) -> Vec<Column> {
        if self.output_all {
            return Column::value_variants().to_vec();
        }
        let named = self.output.iter().map(|(_, column)| *column);
        if self.output.first().is_some_and(|(is_more, _)| *is_more) {
            columns::DEFAULT.iter().copied().chain(named).collect()
        } else {
            named.collect()
        }
    }
}

/// Parses a column's name, in upper or lower case, with an optional + before it.
#[derive(Clone)]
struct ColumnParser;

impl TypedValueParser for ColumnParser {
    type Value = (bool, Column);

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<Self::Value, clap::Error> {
        let text = value.to_string_lossy();
        let name = text.strip_prefix('+').unwrap_or(&text).to_ascii_uppercase();
        let is_more = text.starts_with('+');
        let column =
            EnumValueParser::<Column>::new().parse_ref(command, argument, name.as_ref())?;
        Ok((is_more, column))
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(
            Column::value_variants()
                .iter()
                .filter_map(ValueEnum::to_possible_value),
        ))
    }
}

/// Options of that command.
#[derive(Args, Debug)]
pub struct Json {
    /// JSON
    #[arg(short = 'J', long)]
    pub json: bool,
}

/// Options of that command.
#[derive(Args, Debug)]
pub struct Estimate {
    /// How much memory to read
    #[arg(long, default_value = "32M", value_parser = expression::parse)]
    pub size: expression::Expression,
    /// Time limit, in seconds
    #[arg(long, default_value = "10", value_parser = seconds, value_name = "SECONDS")]
    pub time: Duration,
    /// JSON, with sizes in bytes
    #[arg(short = 'J', long)]
    pub json: bool,
}

/// Options of that command.
#[derive(Args, Debug)]
pub struct Processes {
    /// Show control groups instead, each including those below it
    #[arg(short, long)]
    pub cgroups: bool,
    /// Show only this many, those with most swapped out
    #[arg(short, long)]
    pub number: Option<usize>,
    /// Sizes in bytes
    #[arg(short, long)]
    pub bytes: bool,
    /// JSON, with sizes in bytes
    #[arg(short = 'J', long)]
    pub json: bool,
}

/// Options of that command.
#[derive(Args, Debug)]
pub struct Migrate {
    /// Print the configuration and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Overwrite an existing file
    #[arg(long)]
    pub force: bool,
}

/// Options of that command.
#[derive(Args, Debug)]
pub struct Schema {
    /// The command
    #[arg(value_enum)]
    pub what: What,
}

/// Options of that command.
#[derive(Args, Debug)]
pub struct On {
    /// Print what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Virtual size: how much can be swapped out [default: as much as there is RAM]
    #[arg(long, value_parser = expression::parse, value_name = "SIZE")]
    pub size: Option<expression::Expression>,
    /// The most memory that compressed pages may take; 0 uses disks only [default: half of the RAM]
    #[arg(long, value_parser = expression::parse, value_name = "SIZE")]
    pub ram_limit: Option<expression::Expression>,
    /// Compression algorithm: lz4 or zstd [default: lz4]
    #[arg(long, value_name = "NAME", add = ArgValueCandidates::new(completion::algorithms))]
    pub algorithm: Option<String>,
    /// Priority among swap devices: the highest is used first
    #[arg(long, default_value_t = config::PRIORITY, value_parser = clap::value_parser!(i16).range(-1..), allow_negative_numbers = true)]
    pub priority: i16,
    /// A disk or a swap file to add, and its priority; may be given several times
    #[arg(long = "disk", value_name = "PATH[:PRIORITY]", value_parser = disk, add = ArgValueCompleter::new(completion::disks))]
    pub disks: Vec<(String, i32)>,
    /// Overwrite what is on the disks
    #[arg(long)]
    pub force: bool,
    /// Load this file instead of the installed module
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub module: Option<PathBuf>,
}

fn disk(text: &str) -> Result<(String, i32), String> {
    // A path may contain a colon, as those in /dev/disk/by-path do.
    if system::resolve(text).exists() {
        return Ok((text.into(), 0));
    }
    match text.rsplit_once(':') {
        Some((path, priority)) if priority.parse::<i32>().is_ok() => {
            Ok((path.into(), priority.parse().unwrap_or(0)))
        }
        _ => Ok((text.into(), 0)),
    }
}

/// Options of that command.
#[derive(Args, Debug, Default)]
pub struct Off {
    /// Print what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Unload the module, too
    #[arg(long)]
    pub unload: bool,
    /// Try it even if there seems to be too little memory; the kernel may then end programs
    #[arg(long)]
    pub force: bool,
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// On
    On,
    /// Off
    Off,
}

/// Options of that command.
#[derive(Args, Debug)]
pub struct Add {
    /// Print what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// The block device or the file: a path, or PARTUUID=, PARTLABEL=, UUID= or LABEL=
    #[arg(value_name = "DEVICE_OR_FILE", add = ArgValueCompleter::new(completion::disks))]
    pub name: String,
    /// Disks of higher priority are filled first
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    pub priority: i32,
    /// Encrypt its pages, with a key that exists in memory only
    #[arg(long)]
    pub encrypt: bool,
    /// Detect pages that changed on the disk: reading one is an error; takes 8 bytes of memory for
    /// each page of the disk
    #[arg(long)]
    pub integrity: bool,
    /// Whether pages of the memory tier stay compressed on it; if not given, they do unless the disk
    /// is memory
    #[arg(long, value_name = "ON_OR_OFF")]
    pub compress: Option<Switch>,
    /// Tell the disk which of its blocks hold nothing, in the background; not possible for a file
    #[arg(long)]
    pub discard: bool,
    /// Create the file, with this size
    #[arg(long, value_parser = expression::parse, value_name = "SIZE")]
    pub create: Option<expression::Expression>,
    /// Overwrite the data on it without asking
    #[arg(long)]
    pub force: bool,
}

/// Options of that command.
#[derive(Args, Debug)]
pub struct Remove {
    /// Print what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// The block device or the file: a path, or PARTUUID=, PARTLABEL=, UUID= or LABEL=
    #[arg(value_name = "DEVICE_OR_FILE", add = ArgValueCandidates::new(completion::removable))]
    pub name: String,
    /// Give up pages that can't be read; a program that needs one gets an error
    #[arg(long)]
    pub force: bool,
}

/// Options of that command.
#[derive(Args, Debug)]
pub struct Set {
    /// Print what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Settings and their new values
    #[arg(required = true, value_name = "KEY=VALUE", add = ArgValueCandidates::new(completion::assignments))]
    pub settings: Vec<String>,
}

/// Options of that command.
#[derive(Args, Debug)]
pub struct Get {
    /// The setting to show
    #[arg(add = ArgValueCandidates::new(completion::keys))]
    pub key: Option<String>,
    /// Sizes in bytes
    #[arg(short, long)]
    pub bytes: bool,
    /// JSON, with sizes in bytes: all of them
    #[arg(short = 'J', long, conflicts_with = "key")]
    pub json: bool,
}

/// Options of that command.
#[derive(Args, Debug)]
pub struct Ages {
    /// all, or an age such as 90s, 10m or 2h
    #[arg(default_value = "all", value_parser = age::parse)]
    pub age: u32,
}

/// Options of that command.
#[derive(Args, Debug)]
pub struct Top {
    /// Seconds between two readings
    #[arg(short, long, default_value = "1", value_parser = seconds)]
    pub interval: Duration,
    /// Print one frame as text, after one interval
    #[arg(long)]
    pub once: bool,
    /// JSON, with rates for each second
    #[arg(short = 'J', long, requires = "once")]
    pub json: bool,
}

fn seconds(text: &str) -> Result<Duration, String> {
    text.parse::<f64>()
        .ok()
        .filter(|seconds| (0.1..=3600.0).contains(seconds))
        .map(Duration::from_secs_f64)
        .ok_or_else(|| "write a number of seconds from 0.1 to 3600".to_owned())
}

/// Options of that command.
#[derive(Args, Debug)]
pub struct Metrics {
    /// Write to this file, in one step
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
}

/// Options of that command.
#[derive(Args, Debug)]
pub struct Bench {
    /// How much memory
    #[arg(long, default_value = "64M", value_parser = expression::parse)]
    pub size: expression::Expression,
    /// JSON
    #[arg(short = 'J', long)]
    pub json: bool,
}

/// Options of that command.
#[derive(Args, Debug)]
#[command(after_long_help = config::help())]
pub struct Config {
    /// Show the resulting values and the files that they come from (the default)
    #[arg(long)]
    pub show: bool,
    /// The same as JSON
    #[arg(short = 'J', long, conflicts_with = "check")]
    pub json: bool,
    /// The paths of the disks alone, a line each, after required or optional; for vswap-generator
    #[arg(long, hide = true)]
    pub disks: bool,
    /// Check one file, or the whole configuration, and change nothing
    #[arg(long, value_name = "FILE", num_args = 0..=1, conflicts_with = "show", value_hint = ValueHint::FilePath)]
    pub check: Option<Option<PathBuf>>,
}

/// Options of that command.
#[derive(Args, Debug, Default)]
pub struct Start {
    /// Print what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Add this disk of the configuration, which appeared late, if the device is swapped on
    #[arg(long, value_name = "PATH", conflicts_with = "module", value_hint = ValueHint::FilePath)]
    pub disk: Option<PathBuf>,
    /// Load this file instead of the installed module
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub module: Option<PathBuf>,
}

/// Files for packages.
#[derive(Args, Debug)]
pub struct Generate {
    /// Which kind
    #[arg(value_enum)]
    pub what: Generated,
    /// Where to; it is made if it is not there
    pub directory: PathBuf,
    /// The program that completions call
    #[arg(long, default_value = "vswapctl")]
    pub program: String,
}

/// A kind of generated file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Generated {
    /// Man pages: vswapctl(8), one for each command, vswap.conf(5)
    Man,
    /// Completions for bash, zsh and fish
    Completions,
}
