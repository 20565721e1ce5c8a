// SPDX-License-Identifier: GPL-2.0-only

//! Loop devices, which make a file a block device.

use crate::command;
use crate::failure::{failed, Code, Failure};
use crate::out;
use crate::system::{Identity, System};
use std::fs::File;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
use std::path::Path;

const PACKAGE: &str = "mount";

/// Attaches a loop device to the file, with direct I/O if the file system supports it. Returns its node.
///
/// # Errors
///
/// No loop device can be attached.
pub fn attach(system: &System, file: &Path) -> Result<String, Failure> {
    // It may be a module, which the kernel does not load for a request that names no device.
    if !system.path("/dev/loop-control").exists() {
        let _ = command::output("modprobe", "kmod", &["loop"]);
    }
    let before = system.loops();
    // If another program has just attached the file as well, this returns that program's device.
    let words = ["--find", "--show", "--nooverlap", "--direct-io=on"].map(Path::new);
    let node = command::run("losetup", PACKAGE, &[&words[..], &[file]].concat())?;
    if !node.starts_with("/dev/loop") {
        return Err(failed(format!(
            "losetup gave '{node}' for {}",
            file.display()
        )));
    }
    if before.contains(&node) {
        return Err(Failure::new(
            Code::Busy,
            format!("{} is in use through {node}", file.display()),
        ));
    }
    let name = node.trim_start_matches("/dev/");
    if system
        .read(&format!("/sys/block/{name}/loop/dio"))
        .as_deref()
        == Some("0")
    {
        out::warn(&format!(
            "the file system of {} can't do direct I/O, so its pages are cached in memory as well",
            file.display()
        ));
    }
    Ok(node)
}

/// Detaches the loop device as soon as nobody has it open, which may be at once.
///
/// # Errors
///
/// It is not a loop device.
pub fn detach(node: &str) -> Result<(), Failure> {
    command::run("losetup", PACKAGE, &["--detach", node]).map(drop)
}

/// The file that a loop device reports. `None`: it is not a loop device, or only root may ask.
pub fn status(node: &Path) -> Option<Identity> {
    /// The kernel's number of the request.
    const LOOP_GET_STATUS64: libc::c_ulong = 0x4c05;
    /// The beginning of the kernel's `struct loop_info64`, and the rest of its 232 bytes.
    #[repr(C)]
    struct Info {
        device: u64,
        inode: u64,
        rest: [u64; 27],
    }
    let file = File::open(node).ok()?;
    let mut info = MaybeUninit::<Info>::zeroed();
    // SAFETY: the request writes a `loop_info64`, for which there is room.
    let result =
        unsafe { libc::ioctl(file.as_raw_fd(), LOOP_GET_STATUS64 as _, info.as_mut_ptr()) };
    // SAFETY: all of it is zeros, or was written by the kernel, and any bits are valid.
    let info = unsafe { info.assume_init() };
    let _ = info.rest;
    (result == 0).then_some(Identity::File(info.device, info.inode))
}
