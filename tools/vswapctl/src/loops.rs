// SPDX-License-Identifier: GPL-2.0-only

//! Loop devices, through which a file is a disk.

use crate::command;
use crate::failure::{failed, Code, Failure};
use crate::out;
use crate::system::{Identity, System};
use std::fs::File;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
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
    let before = system.loops();
    // Of a file that somebody has just attached as well, it gives that device.
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

/// Has the loop device go as soon as nobody has it open, which is at once when nobody has.
///
/// # Errors
///
/// It is none.
pub fn detach(node: &str) -> Result<(), Failure> {
    command::run("losetup", PACKAGE, &["--detach", node]).map(drop)
}

/// Which file a loop device says it is over. `None`: it is no loop device, or may not be asked.
pub fn status(node: &Path) -> Option<Identity> {
    /// The kernel's number of that request.
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
    // SAFETY: all of it was zeros, or what the kernel wrote; any bits will do.
    let info = unsafe { info.assume_init() };
    let _ = info.rest;
    (result == 0).then_some(Identity::File(info.device, info.inode))
}
