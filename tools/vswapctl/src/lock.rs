// SPDX-License-Identifier: GPL-2.0-only

//! One command at a time that changes the device: what it finds out about a disk has to hold
//! until it has added it.

use crate::failure::{failed, Failure};
use crate::out;
use crate::system::System;
use rustix::fs::{flock, FlockOperation};
use rustix::io::Errno;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;

const FILE: &str = "/run/vswapctl.lock";

/// Held as long as it lives; the kernel lets go of it with the process.
#[derive(Debug)]
pub struct Lock(#[allow(dead_code, reason = "its file is held open")] File);

/// Waits until no other command changes the device.
///
/// # Errors
///
/// There can be no lock.
pub fn take(system: &System) -> Result<Lock, Failure> {
    let path = system.path(FILE);
    let wrong = |error: std::io::Error| failed(format!("{FILE} can't be locked: {error}"));
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).map_err(wrong)?;
    }
    // Nobody else can open it, and so nobody else can hold it.
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(wrong)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => return Ok(Lock(file)),
        Err(Errno::WOULDBLOCK) => {}
        Err(error) => return Err(wrong(error.into())),
    }
    out::note("vswapctl: waiting for another vswapctl to finish\n");
    loop {
        match flock(&file, FlockOperation::LockExclusive) {
            Ok(()) => return Ok(Lock(file)),
            Err(Errno::INTR) => {}
            Err(error) => return Err(wrong(error.into())),
        }
    }
}
