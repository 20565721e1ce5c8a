// SPDX-License-Identifier: GPL-2.0-only

//! `remove`: moves everything away from a disk and shows the progress.

use crate::failure::{failed, Code, Failure};
use crate::out::printable;
use crate::size;
use crate::system::System;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::fmt::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};
use vswap_sysfs::{Device, Error, Progress, Tier};

/// How often the progress is read.
const INTERVAL: Duration = Duration::from_millis(100);

/// Removes the disk or file. Returns a line that says what was done.
///
/// # Errors
///
/// It is not a tier, there is no room elsewhere, pages can't be read, or the removal was cancelled.
pub fn run(system: &System, path: &Path, force: bool) -> Result<String, Failure> {
    let device = system.device()?;
    let tiers = device.tiers()?;
    let tier = system.tier_of(path, &tiers).cloned();
    let tier = tier.ok_or_else(|| {
        failed(format!(
            "{} is not a tier; 'vswapctl status' shows the tiers",
            path.display()
        ))
    })?;
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, stop.clone())
            .map_err(|error| failed(format!("signals can't be handled: {error}")))?;
    }
    let began = Instant::now();
    let (result, moved) = watch(&device, &tier.path, force, &stop);
    match result {
        Ok(()) => Ok(format!(
            "{} is removed: {} moved in {:.1} s",
            path.display(),
            size::human(moved.total.max(moved.moved)),
            began.elapsed().as_secs_f64()
        )),
        Err(error) => Err(sentence(&device, path, &tier.path, moved, error)),
    }
}

/// Removes it in a thread and shows the progress until that ends. Returns the kernel's answer, and how
/// much was moved.
fn watch(
    device: &Device,
    node: &str,
    force: bool,
    stop: &AtomicBool,
) -> (Result<(), Error>, Progress) {
    let bar = ProgressBar::no_length();
    bar.set_style(style());
    bar.set_message(printable(node));
    let mut progress = Progress { moved: 0, total: 0 };
    let mut is_cancelled = false;
    let result = thread::scope(|scope| {
        let remover = scope.spawn(|| device.remove_tier(node, force));
        while !remover.is_finished() {
            if let Some(now) = listed(device, node).and_then(|tier| tier.removal) {
                progress = now;
                bar.set_length(now.total);
                bar.set_position(now.moved);
            }
            // The removal may have just ended, or not have begun. So this is tried again.
            if stop.load(Ordering::Relaxed) && !is_cancelled {
                is_cancelled = device.cancel_removal(node).is_ok();
            }
            thread::sleep(INTERVAL);
        }
        remover.join()
    });
    bar.finish_and_clear();
    let result = result.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    if result.is_ok() {
        progress.moved = progress.total;
    }
    (result, progress)
}

/// The look of the bar. The rate is unknown before the first page is moved.
pub fn style() -> ProgressStyle {
    let shown = "{msg} [{bar:28}] {percent:>3}%  {moved}{left}";
    ProgressStyle::with_template(shown)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
        .with_key("moved", |state: &ProgressState, text: &mut dyn Write| {
            let (moved, total) = (state.pos(), state.len().unwrap_or(0));
            let _ = write!(text, "{} of {}", size::human(moved), size::human(total));
        })
        .with_key("left", |state: &ProgressState, text: &mut dyn Write| {
            if state.pos() > 0 {
                let rate = size::human(whole(state.per_sec()));
                let _ = write!(text, "  {rate}/s  {} left", size::time(state.eta()));
            }
        })
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "what does not fit is cut off at the ends"
)]
fn whole(number: f64) -> u64 {
    number as u64
}

fn listed(device: &Device, node: &str) -> Option<Tier> {
    let tiers = device.tiers().ok()?;
    tiers.into_iter().find(|tier| tier.path == node)
}

fn sentence(device: &Device, path: &Path, node: &str, progress: Progress, error: Error) -> Failure {
    let path = path.display();
    let left = listed(device, node).map_or(0, |tier| tier.used);
    match error.number() {
        Some(libc::ECANCELED | libc::EINTR) => Failure::new(
            Code::Cancelled,
            format!(
                "the removal of {path} was cancelled: {} of {} have moved; {} are still on it, and it is in service again",
                size::human(progress.moved),
                size::human(progress.total),
                size::human(left)
            ),
        ),
        Some(libc::ENOSPC) => failed(format!(
            "there is too little room elsewhere for the {} on {path}, which is in service again; add a disk or \
             raise ram_limit, then try again (the kernel's log says how much is missing)",
            size::human(left)
        )),
        Some(libc::EIO) => failed(format!(
            "some of the {} left on {path} can't be read; 'vswapctl remove --force {path}' gives them up, and a \
             program that needs one gets an error",
            size::human(left)
        )),
        Some(libc::EBUSY) => Failure::new(Code::Busy, format!("{path} is already being removed")),
        _ => failed(format!("{path} can't be removed: {error}")).with(Failure::from(error).code),
    }
}
