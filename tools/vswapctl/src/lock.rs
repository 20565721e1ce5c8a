// SPDX-License-Identifier: GPL-2.0-only

//! Only one command may change the device at a time: what it finds out about a disk must still be true
//! when it adds the disk.

use crate::failure::{failed, Failure};
use crate::out;
use crate::system::System;
use rustix::fs::{flock, FlockOperation};
use rustix::io::Errno;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;

const FILE: &str = "/run/vswapctl.lock";

/// The lock. The kernel releases it when the process ends.
#[derive(Debug)]
pub struct Lock(#[allow(dead_code, reason = "its file is held open")] File);

/// Waits until no other command is changing the device.
///
/// # Errors
///
/// The lock can't be taken.
pub fn take(system: &System) -> Result<Lock, Failure> {
    let path = system.path(FILE);
    let wrong = |error: std::io::Error| failed(format!("{FILE} can't be locked: {error}"));
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).map_err(wrong)?;
    }
    // Only root can open the file, so nobody else can hold the lock.
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{self, RecvTimeoutError};
    use std::thread;
    use std::time::Duration;

    #[test]
    fn one_command_at_a_time() {
        let root = tempfile::tempdir().expect("a directory");
        let system = System::new(root.path());
        let first = take(&system).expect("a lock");
        let (sender, taken) = mpsc::channel();
        let second = thread::spawn(move || {
            let lock = take(&system).expect("a lock");
            sender.send(()).expect("a receiver");
            drop(lock);
        });
        let early = taken.recv_timeout(Duration::from_millis(300));
        assert_eq!(early, Err(RecvTimeoutError::Timeout));
        drop(first);
        assert_eq!(taken.recv_timeout(Duration::from_secs(60)), Ok(()));
        second.join().expect("no panic");
    }
}
