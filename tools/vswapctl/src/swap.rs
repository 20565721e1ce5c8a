// SPDX-License-Identifier: GPL-2.0-only

//! Swapping on and off.

use crate::failure::{failed, Code, Failure};
use crate::remove;
use crate::size;
use crate::system::System;
use indicatif::ProgressBar;
use sd_notify::NotifyState;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::ffi::CString;
use std::io::Error;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use vswap_sysfs::NODE;

/// How often the progress is read.
const INTERVAL: Duration = Duration::from_millis(200);

/// By how much each progress report extends the service's timeout.
const MORE_TIME: Duration = Duration::from_secs(60);

/// Flag for a given priority: the kernel's `SWAP_FLAG_PREFER`.
const PREFER: i32 = 0x8000;

/// Swaps the device on. With a priority below 0 the kernel chooses one.
///
/// # Errors
///
/// The kernel refuses it.
pub fn on(priority: i16) -> Result<(), Failure> {
    let flags = u16::try_from(priority).map_or(0, |priority| PREFER | i32::from(priority));
    call(|path| {
        // SAFETY: the path is a string that ends with a zero byte.
        unsafe { libc::swapon(path.as_ptr(), flags) }
    })
    .map_err(|error| {
        failed(format!(
            "{NODE} can't be swapped on: {error}; the kernel's log may say more"
        ))
    })
}

/// Swaps the device off, which reads everything back, and reports the progress on the terminal and to
/// systemd. Ctrl-C stops it.
///
/// # Errors
///
/// There is too little memory, or a signal came. Then it stays swapped on.
pub fn off(system: &System) -> Result<(), Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, stop.clone())
            .map_err(|error| failed(format!("signals can't be handled: {error}")))?;
    }
    let is_over = AtomicBool::new(false);
    let result = thread::scope(|scope| {
        // A signal interrupts the system call only in the thread that receives it, which must be the one
        // that swaps off.
        mask(libc::SIG_BLOCK);
        scope.spawn(|| watch(system, &is_over));
        mask(libc::SIG_UNBLOCK);
        let result = if stop.load(Ordering::Relaxed) {
            Err(Error::from_raw_os_error(libc::EINTR))
        } else {
            call(|path| {
                // SAFETY: the path is a string that ends with a zero byte.
                unsafe { libc::swapoff(path.as_ptr()) }
            })
        };
        is_over.store(true, Ordering::Relaxed);
        result
    });
    let left = || size::human(system.swap().map_or(0, |swap| swap.used));
    result.map_err(|error| match error.raw_os_error() {
        Some(libc::ENOMEM) => failed(format!(
            "there is too little memory to read everything back from {NODE}; {} are still swapped out. End some programs, \
             or add other swap first", left()
        )),
        Some(libc::EINTR) => Failure::new(
            Code::Cancelled,
            format!("interrupted; {NODE} is still swapped on, with {} on it", left()),
        ),
        _ => failed(format!("{NODE} can't be swapped off: {error}")),
    })
}

/// Blocks or unblocks, in this thread, the signals that end a program.
fn mask(how: i32) {
    let mut signals = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: the set is emptied first, and lives as long as the calls.
    unsafe {
        libc::sigemptyset(signals.as_mut_ptr());
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            libc::sigaddset(signals.as_mut_ptr(), signal);
        }
        libc::pthread_sigmask(how, signals.as_ptr(), std::ptr::null_mut());
    }
}

/// Shows how much is still swapped out, until the call has ended.
fn watch(system: &System, is_over: &AtomicBool) {
    let used = || system.swap().map_or(0, |swap| swap.used);
    let total = used();
    let bar = ProgressBar::new(total);
    bar.set_style(remove::style());
    bar.set_message(NODE);
    while !is_over.load(Ordering::Relaxed) {
        let left = used();
        bar.set_position(total.saturating_sub(left));
        let status = format!("{} still swapped out", size::human(left));
        // Fails unless systemd has started the program.
        let _ = sd_notify::notify(
            false,
            &[
                NotifyState::Status(&status),
                NotifyState::ExtendTimeoutUsec(
                    u32::try_from(MORE_TIME.as_micros()).unwrap_or(u32::MAX),
                ),
            ],
        );
        thread::sleep(INTERVAL);
    }
    bar.finish_and_clear();
}

fn call(function: impl Fn(&CString) -> i32) -> Result<(), Error> {
    let path = CString::new(NODE)?;
    match function(&path) {
        0 => Ok(()),
        _ => Err(Error::last_os_error()),
    }
}
