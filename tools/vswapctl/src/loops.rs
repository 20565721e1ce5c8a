// SPDX-License-Identifier: GPL-2.0-only

//! Loop devices, through which a file is a disk.

use crate::command;
use crate::failure::{failed, Failure};
use crate::system::System;
use std::path::Path;

const PACKAGE: &str = "mount";

/// A loop device over the file, with direct I/O if the file system can do that; its node.
///
/// # Errors
///
/// There is none to be had.
pub fn attach(system: &System, file: &Path) -> Result<String, Failure> {
    // It may be a module, and nobody loads it for who asks for a free device by its number.
    if !system.path("/dev/loop-control").exists() {
        let _ = command::output("modprobe", "kmod", &["loop"]);
    }
    let words = ["--find", "--show", "--direct-io=on"].map(Path::new);
    let node = command::run("losetup", PACKAGE, &[&words[..], &[file]].concat())?;
    if !node.starts_with("/dev/loop") {
        return Err(failed(format!(
            "losetup gave '{node}' for {}",
            file.display()
        )));
    }
    let name = node.trim_start_matches("/dev/");
    if system
        .read(&format!("/sys/block/{name}/loop/dio"))
        .as_deref()
        == Some("0")
    {
        eprintln!(
            "vswapctl: warning: the file system of {} can't do direct I/O, so its pages are cached in memory as well.",
            file.display()
        );
    }
    Ok(node)
}

/// Has the loop device go as soon as nobody has it open, which is at once when nobody has.
///
/// # Errors
///
/// It is none.
pub fn detach(node: &str) -> Result<(), Failure> {
    command::run("losetup", PACKAGE, &["--detach", node]).map(drop)
}
