// SPDX-License-Identifier: GPL-2.0-only

//! The configuration: `vswap.conf` and its drop-ins.

use crate::bring::Plan;
use crate::disk::{self, Disk};
use crate::expression::{self, Expression};
use crate::failure::{failed, usage, Failure};
use crate::settings::Key;
use crate::system::System;
use ini::{Ini, ParseOption};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use vswap_sysfs::Protection;

/// The priority that the device is swapped on with when nothing is said.
pub const PRIORITY: i16 = 100;

/// Where the files are; those of the first go before those of the others.
const DIRECTORIES: [&str; 4] = ["/etc", "/run", "/usr/local/lib", "/usr/lib"];

/// A key of the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// How it is written.
    pub key: &'static str,
    /// What its value is, in a word.
    pub value: &'static str,
    /// What holds without it.
    pub default: &'static str,
    /// A sentence that says what it is.
    pub meaning: &'static str,
}

/// The keys of the section `[vswap]`.
pub const DEVICE_KEYS: &[Entry] = &[
    Entry { key: "size", value: "SIZE", default: "ram", meaning: "Virtual size: how much can be swapped out. What is not used costs nothing." },
    Entry { key: "ram-limit", value: "SIZE", default: "ram / 2", meaning: "The most that compressed pages may take in memory. With 0 only disks are used." },
    Entry { key: "algorithm", value: "NAME", default: "lz4", meaning: "What pages are compressed with: lz4 or zstd." },
    Entry { key: "priority", value: "NUMBER", default: "100", meaning: "Priority among swap devices: the highest is used first. With -1 the kernel chooses." },
    Entry { key: "high-watermark", value: "PERCENT", default: "90", meaning: "Above that share of ram-limit, cold pages are written to disks." },
    Entry { key: "low-watermark", value: "PERCENT", default: "80", meaning: "Writing cold pages ends at that share of ram-limit." },
    Entry { key: "writeback-limit", value: "SIZE", default: "0", meaning: "The most that is written to disks in a day, unless a page has no other place. 0 is no limit." },
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
        meaning: "With yes it is but a warning when the disk can't be added.",
    },
    Entry {
        key: "encrypt",
        value: "yes|no",
        default: "no",
        meaning: "With yes pages are encrypted with a key that is in memory only.",
    },
    Entry {
        key: "integrity",
        value: "yes|no",
        default: "no",
        meaning: "With yes a page that has changed on the disk is an error for its reader. 8 bytes of memory for each page of the disk.",
    },
    Entry {
        key: "create-size",
        value: "SIZE",
        default: "",
        meaning: "The path is a swap file that is made, of this size, when it is not there.",
    },
    Entry {
        key: "force",
        value: "yes|no",
        default: "no",
        meaning: "With yes a file system or other data on the disk is overwritten.",
    },
];

/// What is said of the file's form, in the help and in the man page.
pub const FORM: &str = "Sizes are bytes, or numbers with K, M, G or T (powers of 1024), or expressions of \
    the machine's RAM with + - * / min() max(): 'ram / 2', 'min(ram, 8G)', '25%'. Lines that begin with # or ; \
    are comments.";

/// An example.
pub const EXAMPLE: &str =
    "[vswap]\nsize = ram * 2\nram-limit = min(ram / 2, 8G)\nalgorithm = lz4\n\n\
    [disk /dev/nvme0n1p3]\npriority = 10\n\n[disk /var/swapfile]\ncreate-size = 8G\n";

/// The keys, as the help shows them.
pub fn help() -> String {
    let mut text = String::new();
    for (title, entries) in [("[vswap]:", DEVICE_KEYS), ("[disk PATH]:", DISK_KEYS)] {
        let _ = writeln!(text, "Keys of {title}");
        for entry in entries {
            let default = match entry.default {
                "" => String::new(),
                default => format!(" [default: {default}]"),
            };
            let _ = writeln!(text, "  {} = {}", entry.key, entry.value);
            let meaning = format!("{}{default}", entry.meaning);
            // Narrow enough for clap not to wrap it again.
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

/// The files' contents: keys and values by section, each with the file it is from.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The files, in the order in which they were read.
    pub files: Vec<PathBuf>,
    /// Values of `[vswap]`.
    device: BTreeMap<String, Value>,
    /// Values of `[disk PATH]`, in the order in which the disks came.
    disks: Vec<(String, BTreeMap<String, Value>)>,
}

#[derive(Clone, Debug)]
struct Value {
    text: String,
    file: PathBuf,
}

impl Config {
    /// What is in force on that machine.
    ///
    /// # Errors
    ///
    /// A file can't be read or understood.
    pub fn load(system: &System) -> Result<Self, Failure> {
        let mut config = Self::default();
        let main = DIRECTORIES
            .iter()
            .map(|directory| system.path(&format!("{directory}/vswap.conf")));
        if let Some(main) = main.into_iter().find(|file| file.exists()) {
            config.read(&main)?;
        }
        // There, the last one has it.
        let bases = DIRECTORIES
            .iter()
            .rev()
            .map(|directory| system.path(directory));
        for file in liboverdrop::scan(bases, "vswap.conf.d", &["conf"], false).into_values() {
            config.read(&file)?;
        }
        config.check()?;
        Ok(config)
    }

    /// That of one file alone.
    ///
    /// # Errors
    ///
    /// It can't be read or understood.
    pub fn of_file(file: &Path) -> Result<Self, Failure> {
        let mut config = Self::default();
        config.read(file)?;
        config.check()?;
        Ok(config)
    }

    /// Reads a file, whose values take the place of those that are there.
    fn read(&mut self, file: &Path) -> Result<(), Failure> {
        let shown = file.display();
        let text = fs::read_to_string(file).map_err(|error| failed(format!("{shown}: {error}")))?;
        let options = ParseOption {
            enabled_quote: false,
            enabled_escape: false,
            ..ParseOption::default()
        };
        let ini = Ini::load_from_str_opt(&text, options)
            .map_err(|error| usage(format!("{shown}:{}: {}", error.line + 1, error.msg)))?;
        self.files.push(file.to_owned());
        for (section, properties) in &ini {
            let (keys, values) = match section.map(str::trim) {
                None if properties.is_empty() => continue,
                None => {
                    return Err(usage(format!(
                        "{shown}: a key stands before the first section"
                    )))
                }
                Some("vswap") => (DEVICE_KEYS, &mut self.device),
                Some(name) => {
                    let path = name
                        .strip_prefix("disk")
                        .map(str::trim)
                        .filter(|path| path.starts_with('/'));
                    let path = path.ok_or_else(|| {
                        usage(format!("{shown}: there is no section [{name}]; there are [vswap] and [disk /PATH]"))
                    })?;
                    (DISK_KEYS, self.disk(path))
                }
            };
            for (key, value) in properties.iter() {
                if !keys.iter().any(|entry| entry.key == key) {
                    let names: Vec<&str> = keys.iter().map(|entry| entry.key).collect();
                    return Err(usage(format!(
                        "{shown}: there is no key '{key}' in [{}]; there are {}",
                        section.unwrap_or(""),
                        names.join(", ")
                    )));
                }
                let value = Value {
                    text: value.trim().to_owned(),
                    file: file.to_owned(),
                };
                values.insert(key.to_owned(), value);
            }
        }
        Ok(())
    }

    fn disk(&mut self, path: &str) -> &mut BTreeMap<String, Value> {
        let index = self.disks.iter().position(|(name, _)| name == path);
        let index = index.unwrap_or_else(|| {
            self.disks.push((path.to_owned(), BTreeMap::new()));
            self.disks.len() - 1
        });
        &mut self.disks[index].1
    }

    /// All values can be understood, on a machine of some size.
    fn check(&self) -> Result<(), Failure> {
        self.plan(8 << 30).map(drop)
    }

    /// What the device is to be like, on a machine with that much RAM.
    ///
    /// # Errors
    ///
    /// A value can't be understood.
    pub fn plan(&self, ram: u64) -> Result<Plan, Failure> {
        let mut plan = Plan {
            priority: PRIORITY,
            ..Plan::default()
        };
        for (name, value) in &self.device {
            if name == "priority" {
                let priority = value.text.parse().ok().filter(|priority| *priority >= -1);
                plan.priority =
                    priority.ok_or_else(|| wrong(name, value, "a priority from -1 to 32767"))?;
                continue;
            }
            let key = Key::from_name(name)?;
            let text = key
                .parse(&value.text, ram)
                .map_err(|failure| in_file(value, &failure))?;
            plan.settings.push((key, text));
        }
        for (path, values) in &self.disks {
            plan.disks.push(disk_of(path, values, ram)?);
        }
        Ok(plan)
    }

    /// The files and all values, as one file.
    pub fn show(&self) -> String {
        let mut text = String::new();
        for file in &self.files {
            let _ = writeln!(text, "# {}", file.display());
        }
        if self.files.is_empty() {
            text.push_str("# there is no configuration; these are the defaults\n");
        }
        let mut section = |title: &str, keys: &[Entry], values: &BTreeMap<String, Value>| {
            let _ = writeln!(text, "\n[{title}]");
            for entry in keys {
                match values.get(entry.key) {
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
        section("vswap", DEVICE_KEYS, &self.device);
        for (path, values) in &self.disks {
            section(&format!("disk {path}"), DISK_KEYS, values);
        }
        text
    }
}

fn in_file(value: &Value, failure: &Failure) -> Failure {
    usage(format!("{}: {failure}", value.file.display()))
}

fn wrong(key: &str, value: &Value, expected: &str) -> Failure {
    in_file(
        value,
        &usage(format!("{key}: '{}' is not {expected}", value.text)),
    )
}

fn yes(values: &BTreeMap<String, Value>, key: &str, default: bool) -> Result<bool, Failure> {
    let Some(value) = values.get(key) else {
        return Ok(default);
    };
    match value.text.as_str() {
        "yes" | "true" | "on" | "1" => Ok(true),
        "no" | "false" | "off" | "0" => Ok(false),
        _ => Err(wrong(key, value, "yes or no")),
    }
}

fn disk_of(
    path: &str,
    values: &BTreeMap<String, Value>,
    ram: u64,
) -> Result<(Disk, bool), Failure> {
    let priority = match values.get("priority") {
        Some(value) => value
            .text
            .parse()
            .map_err(|_| wrong("priority", value, "a whole number"))?,
        None => 0,
    };
    let size = |value: &Value| -> Result<u64, Failure> {
        let bytes =
            expression::parse(&value.text).and_then(|expression: Expression| expression.bytes(ram));
        let bytes = bytes.map_err(|reason| in_file(value, &usage(reason)))?;
        disk::check_created(bytes).map_err(|failure| in_file(value, &failure))
    };
    let disk = Disk {
        path: path.into(),
        priority,
        protection: Protection {
            encrypt: yes(values, "encrypt", false)?,
            integrity: yes(values, "integrity", false)?,
        },
        create: values.get("create-size").map(size).transpose()?,
        force: yes(values, "force", false)?,
    };
    Ok((disk, yes(values, "optional", true)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Code;
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

    fn plan(files: &[(&str, &str)]) -> Result<Plan, Failure> {
        let (_root, system) = machine(files);
        Config::load(&system)?.plan(4 << 30)
    }

    #[test]
    fn nothing_is_the_defaults() {
        let plan = plan(&[]).expect("a plan");
        assert_eq!(plan.priority, 100);
        assert!(plan.settings.is_empty() && plan.disks.is_empty());
    }

    #[test]
    fn the_example_says_what_it_says() {
        let plan = plan(&[("etc/vswap.conf", EXAMPLE)]).expect("a plan");
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
    fn etc_goes_before_usr_and_later_names_before_earlier_ones() {
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
        let plan = plan(&files).expect("a plan");
        assert_eq!(plan.settings, [(Key::Algorithm, "zstd".to_owned())]);
        assert_eq!(plan.priority, 7);
        assert_eq!(plan.disks.len(), 1);
        assert_eq!((plan.disks[0].0.priority, plan.disks[0].1), (3, false));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_file() {
        for (text, sentence) in [
            ("size = 1G", "before the first section"),
            (
                "[zram0]\n",
                "no section [zram0]; there are [vswap] and [disk /PATH]",
            ),
            ("[disk sda]\n", "no section [disk sda]"),
            (
                "[vswap]\nsizes = 1G\n",
                "no key 'sizes' in [vswap]; there are size, ram-limit",
            ),
            ("[vswap]\nsize = big\n", "size: 'big' is not a size"),
            ("[vswap]\nhigh-watermark = 101\n", "1 to 100"),
            (
                "[vswap]\npriority = 99999\n",
                "priority: '99999' is not a priority",
            ),
            (
                "[disk /dev/a]\noptional = perhaps\n",
                "optional: 'perhaps' is not yes or no",
            ),
            ("[disk /dev/a]\ncreate-size = 1M\n", "at least 4 MiB"),
            ("[vswap\n", "vswap.conf:"),
        ] {
            let failure = plan(&[("etc/vswap.conf", text)]).expect_err(text);
            assert_eq!(failure.code, Code::Usage, "{text}");
            assert!(failure.sentence.contains(sentence), "{text}: {failure}");
            assert!(
                failure.sentence.contains("etc/vswap.conf"),
                "{text}: {failure}"
            );
        }
    }

    #[test]
    fn what_is_shown_reads_the_same() {
        let (root, system) = machine(&[("etc/vswap.conf", EXAMPLE)]);
        let shown = Config::load(&system).expect("a configuration").show();
        let copy = root.path().join("copy");
        fs::write(&copy, &shown).expect("a file");
        let config = Config::of_file(&copy).expect("a configuration");
        assert_eq!(config.plan(1 << 30).expect("a plan").disks.len(), 2);
        let body = |text: &str| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(body(&config.show()), body(&shown));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_text_is_read_or_refused(text in "(\\[(vswap|disk /a)\\]\n)?([a-z-]{0,8} ?=? ?.{0,8}\n){0,4}") {
            let _ = plan(&[("etc/vswap.conf", &text)]);
        }
    }
}
