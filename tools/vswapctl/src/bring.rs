// SPDX-License-Identifier: GPL-2.0-only

//! Brings the device up and takes it down, in order.

use crate::command;
use crate::disk::Disk;
use crate::failure::{failed, Code, Failure};
use crate::out::warn;
use crate::settings::{self, Settings};
use crate::system::System;
use crate::{lock, remove, size, swap};
use std::path::{Path, PathBuf};
use vswap_sysfs::{Device, NODE};

/// How to set the device up.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The file of the module, if it is not the installed one.
    pub module: Option<PathBuf>,
    /// Settings to change; all others stay.
    pub settings: Settings,
    /// The priority as a swap device.
    pub priority: i16,
    /// The disks, and whether a failure to add one is only a warning.
    pub disks: Vec<(Disk, bool)>,
    /// Whether to ask the user.
    pub may_ask: bool,
    /// Whether a failure to change a setting is only a warning.
    pub goes_on: bool,
}

/// Loads the module if it is not loaded. Returns whether it had to.
fn load(system: &System, module: Option<&Path>) -> Result<bool, Failure> {
    if system.device().is_ok() {
        return Ok(false);
    }
    if !system.is_new_enough() {
        let release = system.release();
        return Err(Failure::new(
            Code::NoModule,
            format!("kernel {release} is too old: vswap needs 7.3 or later; boot a newer one"),
        ));
    }
    let loaded = match module {
        Some(file) => command::run("insmod", "kmod", &[file]),
        None => command::run("modprobe", "kmod", &["vswap"]),
    };
    loaded.map_err(|failure| {
        let advice = if module.is_none() {
            "; is it installed for this kernel? The kernel's log may say more"
        } else {
            "; the kernel's log may say more"
        };
        Failure::new(
            Code::NoModule,
            format!("the module can't be loaded: {failure}{advice}"),
        )
    })?;
    Ok(true)
}

fn unload() -> Result<(), Failure> {
    command::run("rmmod", "kmod", &["vswap"]).map(drop)
}

/// Brings the device up. Returns a line that says what was done.
///
/// # Errors
///
/// A required step fails. Then the disks that were added are removed again, and the module is unloaded
/// if it was not loaded before.
pub fn up(system: &System, plan: &Plan) -> Result<String, Failure> {
    system.require_root()?;
    let is_new = load(system, plan.module.as_deref())?;
    let _lock = lock::take(system)?;
    let device = system.device()?;
    let mut added = Vec::new();
    let result = up_loaded(system, &device, plan, &mut added);
    if result.is_err() {
        for node in added {
            let _ = device.remove_tier(&node, false);
        }
        if is_new {
            let _ = unload();
        }
    }
    result
}

fn up_loaded(
    system: &System,
    device: &Device,
    plan: &Plan,
    added: &mut Vec<String>,
) -> Result<String, Failure> {
    if plan.goes_on {
        for refusal in settings::apply_what_can_be(system, device, &plan.settings)? {
            warn(&refusal.sentence);
        }
    } else {
        settings::apply(system, device, &plan.settings)?;
    }
    add_disks(system, device, plan, added)?;
    if let Some(swap) = system.swap() {
        if swap.priority != i32::from(plan.priority) && plan.priority >= 0 {
            warn(&format!(
                "{NODE} is swapped on with priority {}; to change it to {}, swap it off first",
                swap.priority, plan.priority
            ));
        }
        return Ok(format!("{NODE} is swapped on already"));
    }
    swap::on(plan.priority)?;
    let disks = match device.tiers()?.len() {
        0 => "no disks".to_owned(),
        1 => "1 disk".to_owned(),
        number => format!("{number} disks"),
    };
    Ok(format!("{NODE} is swapped on, with {disks}"))
}

/// Adds the plan's disks that are not tiers yet.
fn add_disks(
    system: &System,
    device: &Device,
    plan: &Plan,
    added: &mut Vec<String>,
) -> Result<(), Failure> {
    for (disk, is_optional) in &plan.disks {
        if system.tier_of(&disk.path, &device.tiers()?).is_some() {
            continue;
        }
        match disk.add(system, device, plan.may_ask) {
            Ok(node) => added.push(node),
            Err(failure) if *is_optional => warn(&format!("{failure}; continuing without it")),
            Err(failure) => return Err(failure),
        }
    }
    Ok(())
}

/// Adds the plan's disk with that path, if the device is swapped on: for a disk that appears late.
/// Returns a line that says what was done.
///
/// # Errors
///
/// The disk can't be added.
pub fn late(system: &System, plan: &Plan, path: &Path) -> Result<String, Failure> {
    system.require_root()?;
    let _lock = lock::take(system)?;
    let shown = path.display();
    let Ok(device) = system.device() else {
        return Ok(format!("the module is not loaded; {shown} is left alone"));
    };
    if system.swap().is_none() {
        return Ok(format!("{NODE} is not swapped on; {shown} is left alone"));
    }
    let disk = plan.disks.iter().find(|(disk, _)| disk.path == path);
    let Some((disk, _)) = disk else {
        return Ok(format!("{shown} is not in the configuration"));
    };
    if system.tier_of(path, &device.tiers()?).is_some() {
        return Ok(format!("{shown} is a tier already"));
    }
    disk.add(system, &device, false)?;
    Ok(format!("{shown} is a tier"))
}

/// Refuses to swap off when what is swapped out does not fit into memory. The kernel would otherwise
/// kill programs, this one first.
fn check_room(system: &System, device: &Device) -> Result<(), Failure> {
    let swaps = system.swaps();
    let used = swaps.iter().find(|swap| swap.path == NODE);
    let used = used.map_or(0, |swap| swap.used);
    let others = swaps
        .iter()
        .filter(|swap| swap.path != NODE)
        .map(|swap| swap.size.saturating_sub(swap.used))
        .fold(0, u64::saturating_add);
    // Reading pages back frees their memory in the pool.
    let pool = device.stat()?.pool_bytes();
    let room = system
        .available()
        .saturating_add(others)
        .saturating_add(pool);
    if used <= room {
        return Ok(());
    }
    Err(failed(format!(
        "there is too little memory to read everything back from {NODE}: {} are swapped out, and there is room for {} \
         ({} too little). End some programs, or add other swap first; --force tries it anyway",
        size::human(used),
        size::human(room),
        size::human(used - room)
    )))
}

/// Takes the device down: swaps it off, removes its disks, and unloads the module if asked to. Skips
/// what is done already. Returns a line that says what was done.
///
/// # Errors
///
/// A step fails. The steps before it stay done.
pub fn down(system: &System, is_unloading: bool, is_forced: bool) -> Result<String, Failure> {
    system.require_root()?;
    let _lock = lock::take(system)?;
    let Ok(device) = system.device() else {
        return Ok("the module is not loaded; there is nothing to do".to_owned());
    };
    if system.swap().is_some() {
        if !is_forced {
            check_room(system, &device)?;
        }
        swap::off(system)?;
    }
    for tier in device.tiers()? {
        let removed = device.remove_tier(&tier.path, false);
        match removed.as_ref().map_err(vswap_sysfs::Error::number) {
            // Another program was faster.
            Ok(()) | Err(Some(libc::ENOENT)) => {}
            _ => {
                remove::run(system, Path::new(&tier.path), false)?;
            }
        }
    }
    if is_unloading {
        unload().map_err(|failure| failed(format!("the module can't be unloaded: {failure}")))?;
        return Ok(format!("{NODE} is swapped off and the module unloaded"));
    }
    Ok(format!("{NODE} is swapped off, and has no disks"))
}
