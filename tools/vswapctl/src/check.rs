// SPDX-License-Identifier: GPL-2.0-only

//! `check`: what keeps vswap from being of use.

use crate::system::System;
use std::path::Path;
use vswap_sysfs::NODE;

/// A line of the result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// All is well with it.
    Good(String),
    /// What is wrong, and what to do.
    Warning(String),
}

use Finding::{Good, Warning};

/// All findings.
pub fn run(system: &System) -> Vec<Finding> {
    let findings = [
        kernel(system),
        module(system),
        swapped_on(system),
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
        return Some(Warning(format!(
            "kernel {release} is too old: vswap needs 7.3 or later. Boot a newer one."
        )));
    }
    if let Some(config) = system.read(&format!("/boot/config-{release}")) {
        if !config.lines().any(|line| line == "CONFIG_RUST=y") {
            return Some(Warning(format!(
                "kernel {release} was built without CONFIG_RUST, so it can't load the module. Boot one that has it, such as Debian's."
            )));
        }
    }
    Some(Good(format!("kernel {release} is new enough")))
}

fn module(system: &System) -> Option<Finding> {
    if system.device().is_ok() {
        return Some(Good("the module is loaded".to_owned()));
    }
    let release = system.release();
    let is_installed = ["/lib", "/usr/lib"].iter().any(|lib| {
        let list = system.read(&format!("{lib}/modules/{release}/modules.dep"));
        list.is_some_and(|list| {
            list.lines().any(|line| {
                let file = line.split(':').next().unwrap_or("");
                Path::new(file)
                    .file_name()
                    .is_some_and(|name| name.to_string_lossy().starts_with("vswap.ko"))
            })
        })
    });
    Some(Warning(if is_installed {
        "the module is not loaded. 'vswapctl on' loads it.".to_owned()
    } else {
        format!("the module is not installed for kernel {release}. Install the package vswap-dkms, or run 'make install' in the sources.")
    }))
}

fn swapped_on(system: &System) -> Option<Finding> {
    system.device().ok()?;
    Some(match system.swap() {
        Some(swap) => Good(format!(
            "{NODE} is swapped on with priority {}",
            swap.priority
        )),
        None => Warning(format!(
            "{NODE} is not swapped on. 'vswapctl on' swaps it on."
        )),
    })
}

fn zswap(system: &System) -> Option<Finding> {
    let enabled = system.read("/sys/module/zswap/parameters/enabled");
    Some(match enabled.as_deref() {
        Some("Y" | "1") => Warning(
            "the kernel's zswap is on and takes pages before vswap sees them. Switch it off: \
             'echo 0 >/sys/module/zswap/parameters/enabled', and zswap.enabled=0 on the kernel's command line."
                .to_owned(),
        ),
        _ => Good("the kernel's zswap is off".to_owned()),
    })
}

fn others(system: &System) -> Option<Finding> {
    let ours = system.swap()?;
    let others: Vec<String> = system
        .swaps()
        .into_iter()
        .filter(|swap| swap.path != NODE && swap.priority >= ours.priority)
        .map(|swap| format!("{} ({})", swap.path, swap.priority))
        .collect();
    Some(if others.is_empty() {
        Good(format!("no other swap is used before {NODE}"))
    } else {
        let zram = if others.iter().any(|other| other.starts_with("/dev/zram")) {
            " zram does in memory what vswap does, so it is better removed."
        } else {
            " A disk can be a tier instead: 'vswapctl add'."
        };
        Warning(format!(
            "{} would be used before {NODE} or along with it, which has priority {}. Swap it off, or give {NODE} a higher priority.{zram}",
            others.join(", "),
            ours.priority
        ))
    })
}

fn hibernation(system: &System) -> Option<Finding> {
    let cmdline = system.read("/proc/cmdline").unwrap_or_default();
    let mut words = cmdline.split_ascii_whitespace();
    let word = words.find(|word| word.starts_with("resume=") && *word != "resume=none");
    // An initramfs may have told the kernel, too.
    let number = system
        .read("/sys/power/resume")
        .filter(|number| number != "0:0");
    let Some(resume) = word
        .map(str::to_owned)
        .or(number.map(|number| format!("device {number} in /sys/power/resume")))
    else {
        return Some(Good("no hibernation is set up".to_owned()));
    };
    Some(if resume.ends_with("vswap0") {
        Warning(format!("the kernel is told to resume from {NODE} ({resume}), which can't be hibernated to. Name a swap partition, or remove it."))
    } else {
        Warning(format!(
            "hibernation is set up ({resume}), and {NODE} can't be hibernated to. Keep that swap area swapped on, with a \
             lower priority and large enough, and don't make it a tier; or do without hibernation: noresume."
        ))
    })
}

fn page_cluster(system: &System) -> Option<Finding> {
    let value: u32 = system.read("/proc/sys/vm/page-cluster")?.parse().ok()?;
    let has_ram = system.device().ok()?.ram_limit().ok()? > 0;
    Some(if has_ram && value > 0 {
        Warning(format!(
            "vm.page-cluster is {value}, so that pages are read ahead, which from compressed memory only costs time. \
             Set it to 0: 'sysctl vm.page-cluster=0'."
        ))
    } else {
        Good(format!("vm.page-cluster is {value}"))
    })
}

fn swappiness(system: &System) -> Option<Finding> {
    let value: u32 = system.read("/proc/sys/vm/swappiness")?.parse().ok()?;
    Some(if value < 60 {
        Warning(format!(
            "vm.swappiness is {value}, so that the kernel would rather drop files from memory than swap. From 100 on it \
             swaps more: 'sysctl vm.swappiness=100'."
        ))
    } else {
        Good(format!("vm.swappiness is {value}"))
    })
}
