// SPDX-License-Identifier: GPL-2.0-only

//! `migrate`: writes a configuration that corresponds to that of zram-generator, zram-tools or rpi-swap.
//! Their manuals describe their keys: zram-generator.conf(5), zramswap(8), swap.conf(5).

use crate::cli;
use crate::expression;
use crate::failure::{failed, Code, Failure};
use crate::system::System;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;

/// Where the configuration goes.
const FILE: &str = "/etc/vswap.conf.d/50-migrated.conf";

/// The keys of INI files by section. Those before the first section are in "".
type Sections = BTreeMap<String, BTreeMap<String, String>>;

/// The result for one of these programs.
#[derive(Default)]
struct Found {
    /// Where it was found, and what differs.
    remarks: Vec<String>,
    device: Vec<(&'static str, String)>,
    disks: Vec<(String, Vec<(&'static str, String)>)>,
    /// Commands that the user should run afterwards.
    commands: Vec<&'static str>,
}

/// Adds the contents of a file.
fn read(text: &str, sections: &mut Sections) {
    let mut name = String::new();
    for line in text.lines().map(str::trim) {
        if let Some(section) = line
            .strip_prefix('[')
            .and_then(|line| line.strip_suffix(']'))
        {
            section.trim().clone_into(&mut name);
            sections.entry(name.clone()).or_default();
        } else if let Some((key, value)) = line
            .split_once('=')
            .filter(|_| !line.starts_with(['#', ';']))
        {
            let value = value.trim().trim_matches('"');
            let keys = sections.entry(name.clone()).or_default();
            keys.insert(key.trim().to_owned(), value.to_owned());
        }
    }
}

/// Reads a configuration with drop-ins, by systemd's rules. Returns the first file as well.
fn read_all(system: &System, directories: &[&str], name: &str) -> Option<(String, Sections)> {
    let mut files: Vec<String> = Vec::new();
    let main = directories
        .iter()
        .map(|directory| format!("{directory}/{name}"));
    files.extend(main.into_iter().find(|file| system.path(file).exists()));
    let mut drop_ins: BTreeMap<OsString, String> = BTreeMap::new();
    for directory in directories {
        let directory = format!("{directory}/{name}.d");
        let entries = fs::read_dir(system.path(&directory))
            .into_iter()
            .flatten()
            .flatten();
        for entry in entries.filter(|entry| entry.file_name().to_string_lossy().ends_with(".conf"))
        {
            let path = format!("{directory}/{}", entry.file_name().to_string_lossy());
            drop_ins.entry(entry.file_name()).or_insert(path);
        }
    }
    files.extend(drop_ins.into_values());
    let mut sections = Sections::new();
    for file in &files {
        read(&system.read(file).unwrap_or_default(), &mut sections);
    }
    files.into_iter().next().map(|file| (file, sections))
}

impl Found {
    /// Adds an algorithm, which may have options.
    fn algorithm(&mut self, names: &str) {
        let name = names.split([' ', '(', ',']).next().unwrap_or("");
        match name {
            "" => {}
            "lz4" | "zstd" => self.device.push(("algorithm", name.to_owned())),
            _ => self.remarks.push(format!(
                "The algorithm was {name}; vswap has lz4, its default, and zstd."
            )),
        }
    }

    /// A size in megabytes, as an expression of the RAM.
    fn megabytes(&mut self, text: &str) -> Option<String> {
        let size = expression::parse(text)
            .ok()
            .and_then(|expression| expression.in_megabytes());
        if size.is_none() {
            self.remarks
                .push(format!("'{text}' is not understood; the default is used."));
        }
        size
    }
}

fn zram_generator(system: &System) -> Option<Found> {
    let directories = [
        "/etc/systemd",
        "/run/systemd",
        "/usr/local/lib/systemd",
        "/usr/lib/systemd",
    ];
    let (file, sections) = read_all(system, &directories, "zram-generator.conf")?;
    let mut found = Found {
        remarks: vec![format!("From {file} of zram-generator.")],
        commands: vec![
            "swapoff /dev/zram0",
            "systemctl stop systemd-zram-setup@zram0",
            "apt remove systemd-zram-generator",
        ],
        ..Found::default()
    };
    let mut sizes = Vec::new();
    for (name, keys) in &sections {
        let get = |key: &str| {
            keys.get(key)
                .map(String::as_str)
                .filter(|value| !value.is_empty())
        };
        if name
            .strip_prefix("zram")
            .is_none_or(|number| number.parse::<u32>().is_err())
        {
            continue;
        }
        if get("mount-point").is_some() || get("fs-type").is_some_and(|kind| kind != "swap") {
            found.remarks.push(format!(
                "[{name}] is a file system and not swap, so it is left out."
            ));
            continue;
        }
        let limit = get("host-memory-limit").or(get("memory-limit"));
        if let Some(limit) = limit.and_then(|limit| limit.parse::<u64>().ok()) {
            if limit.saturating_mul(1 << 20) < system.ram() {
                found.remarks.push(format!(
                    "[{name}] is for machines with less RAM than this one, so it is left out."
                ));
                continue;
            }
        }
        let fraction = get("zram-fraction").or(get("max-zram-size").map(|_| "0.5"));
        let old = fraction.map(|fraction| match get("max-zram-size") {
            Some("none") => format!("ram * {fraction}"),
            most => format!("min(ram * {fraction}, {})", most.unwrap_or("4096")),
        });
        let size = old
            .as_deref()
            .or(get("zram-size"))
            .unwrap_or("min(ram / 2, 4096)");
        sizes.extend(found.megabytes(size));
        if sizes.len() > 1 {
            continue;
        }
        if let Some(limit) = get("zram-resident-limit").filter(|limit| *limit != "0") {
            let limit = found.megabytes(limit);
            found.device.extend(limit.map(|limit| ("ram-limit", limit)));
        }
        found.algorithm(get("compression-algorithm").unwrap_or(""));
        if let Some(priority) = get("swap-priority") {
            found.device.push(("priority", priority.to_owned()));
        }
        if let Some(device) = get("writeback-device") {
            found.disks.push((device.to_owned(), Vec::new()));
        }
    }
    if !sizes.is_empty() {
        found.device.insert(0, ("size", sizes.join(" + ")));
    }
    Some(found)
}

fn zram_tools(system: &System) -> Option<Found> {
    let file = "/etc/default/zramswap";
    let mut sections = Sections::new();
    read(&system.read(file)?, &mut sections);
    let keys = sections.remove("").unwrap_or_default();
    let mut found = Found {
        remarks: vec![format!("From {file} of zram-tools.")],
        commands: vec!["systemctl disable --now zramswap"],
        ..Found::default()
    };
    let get = |key: &str| {
        keys.get(key)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    };
    // As in zramswap, a percentage overrides a size.
    match (get("PERCENT"), get("SIZE")) {
        (Some(percent), _) => found.device.push(("size", format!("{percent}%"))),
        (None, size) => {
            let size = found.megabytes(size.unwrap_or("256"));
            found.device.extend(size.map(|size| ("size", size)));
        }
    }
    found.algorithm(get("ALGO").unwrap_or(""));
    found
        .device
        .push(("priority", get("PRIORITY").unwrap_or("100").to_owned()));
    Some(found)
}

fn rpi_swap(system: &System) -> Option<Found> {
    let directories = ["/etc/rpi", "/run/rpi", "/usr/local/lib/rpi", "/usr/lib/rpi"];
    let (file, sections) = read_all(system, &directories, "swap.conf")?;
    let mut found = Found {
        remarks: vec![format!("From {file} of rpi-swap.")],
        commands: vec!["apt remove rpi-swap", "reboot"],
        ..Found::default()
    };
    let get = |section: &str, key: &str| {
        let value = sections.get(section).and_then(|keys| keys.get(key));
        value.map(String::as_str)
    };
    let size = |section: &str| {
        if let Some(fixed) = get(section, "FixedSizeMiB").filter(|fixed| !fixed.is_empty()) {
            return format!("{fixed}M");
        }
        let factor = get(section, "RamMultiplier").filter(|factor| !factor.is_empty());
        let whole = match factor.unwrap_or("1") {
            "1" => "ram".to_owned(),
            factor => format!("ram * {factor}"),
        };
        // An empty value means no limit.
        match get(section, "MaxSizeMiB").unwrap_or("2048") {
            "" => whole,
            most => format!("min({whole}, {most}M)"),
        }
    };
    let mechanism = get("Main", "Mechanism")
        .filter(|name| !name.is_empty())
        .unwrap_or("auto");
    let (has_ram, has_file) = match mechanism {
        "swapfile" => (false, true),
        "zram" => (true, false),
        "auto" | "zram+file" => (true, true),
        "none" => {
            found.remarks.push("It switches swap off.".to_owned());
            return Some(found);
        }
        _ => {
            found.remarks.push(format!(
                "Its mechanism '{mechanism}' is unknown; zram+file is assumed."
            ));
            (true, true)
        }
    };
    // The virtual size: what the memory could hold, and the disk.
    let whole = match (has_ram, has_file) {
        (true, false) => size("Zram"),
        (false, true) => size("File"),
        _ => format!("{} + {}", size("Zram"), size("File")),
    };
    found.device.push(("size", whole));
    if !has_ram {
        found.device.push(("ram-limit", "0".to_owned()));
    }
    if has_file {
        let path = get("File", "Path")
            .filter(|path| !path.is_empty())
            .unwrap_or("/var/swap");
        found
            .disks
            .push((path.to_owned(), vec![("create-size", size("File"))]));
        found
            .remarks
            .push("MaxDiskPercent is ignored: make sure that the file fits.".to_owned());
    }
    Some(found)
}

/// The configuration as text, and the commands to run.
fn written(all: &[Found]) -> (String, Vec<&'static str>) {
    let mut text = String::from("# Made by 'vswapctl migrate'.\n");
    for found in all {
        for remark in &found.remarks {
            let _ = writeln!(text, "# {remark}");
        }
    }
    // Two of them are hardly in use together; the first one is used.
    if let Some(first) = all.first() {
        text.push_str("\n[vswap]\n");
        for (key, value) in &first.device {
            let _ = writeln!(text, "{key} = {value}");
        }
        for (path, keys) in &first.disks {
            let _ = writeln!(text, "\n[disk {path}]");
            for (key, value) in keys {
                let _ = writeln!(text, "{key} = {value}");
            }
        }
    }
    let commands = all
        .iter()
        .flat_map(|found| found.commands.clone())
        .collect();
    (text, commands)
}

/// Runs the command. Returns its output.
///
/// # Errors
///
/// There is nothing to migrate, or the file exists or can't be written.
pub fn run(system: &System, options: &cli::Migrate) -> Result<String, Failure> {
    let all: Vec<Found> = [zram_generator(system), rpi_swap(system), zram_tools(system)]
        .into_iter()
        .flatten()
        .collect();
    if all.is_empty() {
        return Err(failed(
            "there is no configuration of zram-generator, zram-tools or rpi-swap here",
        ));
    }
    let (text, commands) = written(&all);
    if options.dry_run {
        return Ok(text);
    }
    system.require_root()?;
    write(system, &text, options.force)?;
    let mut said = format!("{FILE} is written. Now run these commands, in this order:\n\n");
    for command in ["vswapctl config --check", "systemctl enable --now vswap"]
        .iter()
        .chain(&commands)
    {
        let _ = writeln!(said, "  {command}");
    }
    Ok(said)
}

fn write(system: &System, text: &str, is_forced: bool) -> Result<(), Failure> {
    let path: PathBuf = system.path(FILE);
    let written = || -> std::io::Result<()> {
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        let mut options = OpenOptions::new();
        options.write(true).truncate(true);
        if is_forced {
            options.create(true);
        } else {
            options.create_new(true);
        }
        options.open(&path)?.write_all(text.as_bytes())
    };
    written().map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Failure::new(
            Code::Failed,
            format!(
                "{FILE} exists already; --force overwrites it, and --dry-run shows the new contents"
            ),
        ),
        _ => failed(format!("{FILE} can't be written: {error}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn migrated(files: &[(&str, &str)]) -> String {
        let root = tempfile::tempdir().expect("a directory");
        let meminfo = ("proc/meminfo", "MemTotal: 8388608 kB\n");
        for (path, text) in files.iter().chain([&meminfo]) {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
            fs::write(path, text).expect("a file");
        }
        let system = System::new(root.path());
        let options = cli::Migrate {
            dry_run: false,
            force: false,
        };
        run(&system, &options).expect("migrated");
        assert!(run(&system, &options).is_err(), "nothing is overwritten");
        let (_, problems) = Config::load(&system).plan(8 << 30);
        assert_eq!(problems, []);
        let text = system.read(FILE).expect("a file");
        text.lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn zram_generator_counts_in_megabytes() {
        let file = "etc/systemd/zram-generator.conf";
        for (text, expected) in [
            ("[zram0]\n", "[vswap] size = min(ram / 2, 4096M)"),
            (
                "[zram0]\nzram-size = min(min(ram, 4096) + max(ram - 4096, 0) / 2, 32 * 1024)\ncompression-algorithm = zstd(level=3)\nswap-priority=50\n",
                "[vswap] size = min(min(ram, 4096M) + max(ram - 4096M, 0M) / 2, 32768M) algorithm = zstd priority = 50",
            ),
            (
                "[zram0]\nzram-size = 4096\nzram-resident-limit = 1024\ncompression-algorithm = lzo-rle\nwriteback-device = /dev/sda3\n",
                "[vswap] size = 4096M ram-limit = 1024M [disk /dev/sda3]",
            ),
            (
                "[zram0]\nzram-fraction = 0.25\nmax-zram-size = none\n[zram1]\nmount-point = /tmp/x\n",
                "[vswap] size = ram * 0.25",
            ),
            ("[zram0]\nzram-size = sin(ram)\n", "[vswap]"),
        ] {
            assert_eq!(migrated(&[(file, text)]), expected);
        }
        let drop_in = (
            "usr/lib/systemd/zram-generator.conf.d/20-a.conf",
            "[zram0]\nzram-size = ram\n",
        );
        assert_eq!(migrated(&[drop_in]), "[vswap] size = ram");
    }

    #[test]
    fn zram_tools_and_rpi_swap() {
        let tools = (
            "etc/default/zramswap",
            "# ALGO=lz4\nALGO=zstd\nPERCENT=60\n#SIZE=256\nPRIORITY=10\n",
        );
        assert_eq!(
            migrated(&[tools]),
            "[vswap] size = 60% algorithm = zstd priority = 10"
        );
        let file = "etc/rpi/swap.conf";
        for (text, expected) in [
            (
                "[Main]\n",
                "[vswap] size = min(ram, 2048M) + min(ram, 2048M) [disk /var/swap] create-size = min(ram, 2048M)",
            ),
            (
                "[Main]\nMechanism=swapfile\n[File]\nPath=/srv/swap\nFixedSizeMiB=512\n",
                "[vswap] size = 512M ram-limit = 0 [disk /srv/swap] create-size = 512M",
            ),
            (
                "[Main]\nMechanism=zram\n[Zram]\nRamMultiplier=2\nMaxSizeMiB=\n",
                "[vswap] size = ram * 2",
            ),
            ("[Main]\nMechanism=none\n", "[vswap]"),
        ] {
            assert_eq!(migrated(&[(file, text)]), expected);
        }
    }
}
