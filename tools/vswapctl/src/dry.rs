// SPDX-License-Identifier: GPL-2.0-only

//! `--dry-run`: what a command would do, as far as that is known in advance.

use crate::bring::Plan;
use crate::failure::{failed, Failure};
use crate::out::printable;
use crate::settings::Settings;
use crate::size;
use crate::system::{self, System};
use std::fmt::Write;
use vswap_sysfs::{known, Device, NODE};

/// Steps, one on each line.
#[derive(Default)]
struct Steps(String);

impl Steps {
    fn add(&mut self, step: &str) {
        let _ = writeln!(self.0, "would {}", printable(step));
    }

    fn text(self) -> String {
        if self.0.is_empty() {
            return "would change nothing\n".to_owned();
        }
        self.0
    }
}

fn settings(
    steps: &mut Steps,
    device: Option<&Device>,
    settings: &Settings,
) -> Result<(), Failure> {
    for (key, value) in settings {
        let shown = |value: &str| match value.parse() {
            Ok(bytes) if key.is_size() => size::exact(bytes),
            _ => value.to_owned(),
        };
        let old = match device {
            Some(device) => known(key.get(device))?,
            None => None,
        };
        match old {
            Some(old) if old == *value => {}
            Some(old) => steps.add(&format!(
                "set {} to {}, from {}",
                key.name(),
                shown(value),
                shown(&old)
            )),
            None => steps.add(&format!("set {} to {}", key.name(), shown(value))),
        }
    }
    Ok(())
}

/// What `on` and `start` would do.
///
/// # Errors
///
/// A required disk can't be added.
pub fn up(system: &System, plan: &Plan) -> Result<String, Failure> {
    let mut steps = Steps::default();
    let device = system.device().ok();
    if device.is_none() {
        steps.add("load the module");
    }
    settings(&mut steps, device.as_ref(), &plan.settings)?;
    let tiers = match &device {
        Some(device) => device.tiers()?,
        None => Vec::new(),
    };
    for (disk, is_optional) in &plan.disks {
        if system.tier_of(&disk.path, &tiers).is_some() {
            continue;
        }
        match disk.would(system, device.as_ref()) {
            Ok(step) => steps.add(&step),
            Err(failure) if *is_optional => steps.add(&format!("go on without a disk: {failure}")),
            Err(failure) => return Err(failure),
        }
    }
    if system.swap().is_none() {
        steps.add(&format!("swap {NODE} on with priority {}", plan.priority));
    }
    Ok(steps.text())
}

/// What `off` and `stop` would do.
///
/// # Errors
///
/// The device can't be read.
pub fn down(system: &System, is_unloading: bool) -> Result<String, Failure> {
    let mut steps = Steps::default();
    let Ok(device) = system.device() else {
        return Ok(steps.text());
    };
    if let Some(swap) = system.swap() {
        steps.add(&format!(
            "swap {NODE} off, which reads {} back",
            size::human(swap.used)
        ));
    }
    for tier in device.tiers()? {
        steps.add(&format!("remove {}", tier.path));
    }
    if is_unloading {
        steps.add("unload the module");
    }
    Ok(steps.text())
}

/// What `remove` would do.
///
/// # Errors
///
/// It is not a tier.
pub fn remove(system: &System, name: &str) -> Result<String, Failure> {
    let mut steps = Steps::default();
    let tiers = system.device()?.tiers()?;
    let tier = system
        .tier_of(&system::resolve(name), &tiers)
        .ok_or_else(|| failed(format!("{name} is not a tier")))?;
    steps.add(&format!(
        "move {} from {} elsewhere, and remove it",
        size::human(tier.used),
        tier.path
    ));
    Ok(steps.text())
}

/// What `set` would do.
///
/// # Errors
///
/// The device can't be read.
pub fn set(device: &Device, wanted: &Settings) -> Result<String, Failure> {
    let mut steps = Steps::default();
    settings(&mut steps, Some(device), wanted)?;
    Ok(steps.text())
}
