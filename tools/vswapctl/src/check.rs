// SPDX-License-Identifier: GPL-2.0-only

//! `check`: finds what gets in the way of vswap.

use crate::command;
use crate::config::Config;
use crate::out::printable;
use crate::system::System;
use schemars::JsonSchema;
use serde::Serialize;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use vswap_sysfs::{Tier, NODE};

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Finding {
    /// Whether the user has to do something.
    pub is_warning: bool,
    /// What was found, and what to do about it.
    pub sentence: String,
}

/// All findings.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Document {
    /// Version of this document.
    pub version: u32,
    /// The findings, good ones included.
    pub findings: Vec<Finding>,
}

fn good(sentence: String) -> Finding {
    Finding {
        is_warning: false,
        sentence,
    }
}

fn warning(sentence: String) -> Finding {
    Finding {
        is_warning: true,
        sentence,
    }
}

/// All findings.
pub fn run(system: &System) -> Vec<Finding> {
    let findings = [
        kernel(system),
        module(system),
        newer_module(system),
        secure_boot(system),
        swapped_on(system),
        room(system),
        zswap(system),
        others(system),
    ];
    let mut findings: Vec<Finding> = findings.into_iter().flatten().collect();
    findings.extend(hibernation(system));
    findings.extend(page_cluster(system));
    findings.extend(swappiness(system));
    findings
}

fn kernel(system: &System) -> Option<Finding> {
    let release = system.release();
    if !system.is_new_enough() {
        return Some(warning(format!(
            "kernel {release} is too old: vswap needs 7.3 or later. Boot a newer one."
        )));
    }
    if let Some(config) = system.read(&format!("/boot/config-{release}")) {
        if !config.lines().any(|line| line == "CONFIG_RUST=y") {
            return Some(warning(format!(
                "kernel {release} was built without CONFIG_RUST, so it can't load the module. Boot one that has it, such as Debian's."
            )));
        }
    }
    Some(good(format!("kernel {release} is new enough")))
}

fn module(system: &System) -> Option<Finding> {
    if system.device().is_ok() {
        return Some(good("the module is loaded".to_owned()));
    }
    let release = system.release();
    Some(warning(if installed(system).is_some() {
        "the module is not loaded. 'vswapctl on' loads it.".to_owned()
    } else {
        format!("the module is not installed for kernel {release}. Install the package vswap-dkms, or run 'make install' in the sources.")
    }))
}

/// The file that `modprobe vswap` would load.
fn installed(system: &System) -> Option<PathBuf> {
    let release = system.release();
    ["/lib", "/usr/lib"].iter().find_map(|lib| {
        let directory = format!("{lib}/modules/{release}");
        let list = system.read(&format!("{directory}/modules.dep"))?;
        let file = list
            .lines()
            .filter_map(|line| Some(line.split_once(':')?.0))
            .find(|file| {
                let name = Path::new(file).file_name();
                name.is_some_and(|name| name.to_string_lossy().starts_with("vswap.ko"))
            })?;
        Some(system.path(&directory).join(file))
    })
}

/// Whether the loaded module is the installed one. Both contain the linker's build id.
fn newer_module(system: &System) -> Option<Finding> {
    let note = fs::read(system.path("/sys/module/vswap/notes/.note.gnu.build-id")).ok()?;
    let file = installed(system)?;
    let bytes = contents(&file)?;
    let is_same = !note.is_empty() && bytes.windows(note.len()).any(|window| window == note);
    Some(if is_same {
        good("the loaded module is the installed one".to_owned())
    } else {
        warning(
            "the installed module differs from the loaded one. It is used after a reboot, or after \
             'vswapctl off --unload' and 'vswapctl on'."
                .to_owned(),
        )
    })
}

/// The contents of a module's file; depmod and the kernel accept compressed ones as well. `None`: it
/// can't be read.
fn contents(file: &Path) -> Option<Vec<u8>> {
    let unpacked = |program, package| {
        let output = command::output(program, package, &[Path::new("-dc"), file]).ok()?;
        output.status.success().then_some(output.stdout)
    };
    match file.extension()?.to_str()? {
        "ko" => fs::read(file).ok(),
        "xz" => unpacked("xz", "xz-utils"),
        "gz" => unpacked("gzip", "gzip"),
        "zst" => zstd::decode_all(File::open(file).ok()?).ok(),
        _ => None,
    }
}

/// With Secure Boot the kernel loads only signed modules.
fn secure_boot(system: &System) -> Option<Finding> {
    let variable = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
    let bytes = fs::read(system.path(variable)).ok()?;
    // The value follows four bytes of attributes.
    let is_on = bytes.get(4) == Some(&1);
    if !is_on {
        return None;
    }
    Some(if system.device().is_ok() {
        good("Secure Boot is on, and the module is signed".to_owned())
    } else {
        warning(
            "Secure Boot is on, so the kernel loads only modules with a signature that it knows. DKMS signs the module; \
             enrol its key with 'mokutil --import /var/lib/dkms/mok.pub', and reboot."
                .to_owned(),
        )
    })
}

fn swapped_on(system: &System) -> Option<Finding> {
    system.device().ok()?;
    Some(match system.swap() {
        Some(swap) => good(format!(
            "{NODE} is swapped on with priority {}",
            swap.priority
        )),
        None => warning(format!(
            "{NODE} is not swapped on. 'vswapctl on' swaps it on."
        )),
    })
}

/// Whether pages have any place to go.
fn room(system: &System) -> Option<Finding> {
    let device = system.device().ok()?;
    let has_none = device.ram_limit().ok()? == 0 && device.tiers().ok()?.is_empty();
    has_none.then(|| {
        warning(format!(
            "ram_limit is 0 and there is no disk, so {NODE} has room only for pages that repeat one word. Add a disk with \
             'vswapctl add', or set ram_limit: 'vswapctl set ram_limit=50%'."
        ))
    })
}

fn zswap(system: &System) -> Option<Finding> {
    let enabled = system.read("/sys/module/zswap/parameters/enabled");
    Some(match enabled.as_deref() {
        Some("Y" | "1") => warning(
            "the kernel's zswap is on and takes pages before vswap sees them. Switch it off: \
             'echo 0 >/sys/module/zswap/parameters/enabled', and zswap.enabled=0 on the kernel's command line."
                .to_owned(),
        ),
        _ => good("the kernel's zswap is off".to_owned()),
    })
}

fn others(system: &System) -> Option<Finding> {
    // The priority that it has, or would get.
    let (priority, is_on) = match system.swap() {
        Some(swap) => (swap.priority, true),
        None => (
            Config::load(system).plan(system.ram()).0.priority.into(),
            false,
        ),
    };
    let others: Vec<String> = system
        .swaps()
        .into_iter()
        .filter(|swap| swap.path != NODE && swap.priority >= priority)
        .map(|swap| format!("{} ({})", swap.path, swap.priority))
        .collect();
    Some(if others.is_empty() {
        good(format!("no other swap is used before {NODE}"))
    } else {
        let zram = if others.iter().any(|other| other.starts_with("/dev/zram")) {
            " zram does in memory what vswap does; remove it."
        } else {
            " A disk can be a tier instead: 'vswapctl add'."
        };
        let has = if is_on { "has" } else { "gets" };
        warning(format!(
            "{} would be used before {NODE} or along with it ({NODE} {has} priority {priority}). Swap it off, or give {NODE} a higher priority.{zram}",
            others.join(", ")
        ))
    })
}

fn hibernation(system: &System) -> Option<Finding> {
    let cmdline = system.read("/proc/cmdline").unwrap_or_default();
    let mut words = cmdline.split_ascii_whitespace();
    let word = words.find(|word| word.starts_with("resume=") && *word != "resume=none");
    // An initramfs may have told the kernel as well.
    let number = system
        .read("/sys/power/resume")
        .filter(|number| number != "0:0");
    let Some(resume) = word
        .map(str::to_owned)
        .or(number.map(|number| format!("device {number} in /sys/power/resume")))
    else {
        return Some(good("hibernation is not set up".to_owned()));
    };
    Some(if resume.ends_with("vswap0") {
        warning(format!("the kernel is set to resume from {NODE} ({resume}), which can't hold a hibernation image. Name a swap partition instead, or remove the setting."))
    } else {
        warning(format!(
            "hibernation is set up ({resume}), and {NODE} can't hold the image. Keep that swap area swapped on with a \
             lower priority, large enough for the image, and don't make it a tier; or switch hibernation off: noresume."
        ))
    })
}

/// Whether the kernel reads pages ahead from disks. It does so only for pages that are stored
/// uncompressed there: it reads nothing ahead from memory, and vswap itself reads ahead compressed
/// pages.
fn page_cluster(system: &System) -> Option<Finding> {
    let value: u32 = system.read("/proc/sys/vm/page-cluster")?.parse().ok()?;
    let device = system.device().ok()?;
    // Only pages that were in the memory tier are compressed on disks.
    let has_ram = device.ram_limit().ok()? > 0;
    let tiers = device.tiers().ok()?;
    let mut disks = tiers.iter().filter(|tier| !system.is_memory(tier));
    let Some(first) = disks.next() else {
        return Some(good(format!(
            "vm.page-cluster is {value}, which makes no difference: the kernel reads no pages ahead from memory"
        )));
    };
    let needs_it = |tier: &&Tier| !has_ram || tier.packed.is_none();
    let slow = Some(first).into_iter().chain(disks).find(needs_it);
    Some(match (value, slow) {
        (0, Some(tier)) => warning(format!(
            "vm.page-cluster is 0, so the kernel reads pages from {} one at a time. Set it to 3, which changes nothing \
             for pages in memory: 'sysctl vm.page-cluster=3'.",
            printable(&tier.path)
        )),
        (0, None) => good(
            "vm.page-cluster is 0, so the kernel reads nothing ahead; vswap reads ahead what is compressed on disks"
                .to_owned(),
        ),
        _ => good(format!(
            "vm.page-cluster is {value}: the kernel reads pages ahead from disks, and none from memory"
        )),
    })
}

fn swappiness(system: &System) -> Option<Finding> {
    let value: u32 = system.read("/proc/sys/vm/swappiness")?.parse().ok()?;
    Some(if value < 60 {
        warning(format!(
            "vm.swappiness is {value}, so the kernel prefers dropping files from memory to swapping. With 100 or more it \
             swaps more: 'sysctl vm.swappiness=100'."
        ))
    } else {
        good(format!("vm.swappiness is {value}"))
    })
}
