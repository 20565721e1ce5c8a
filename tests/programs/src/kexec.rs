// SPDX-License-Identifier: GPL-2.0-only
//! Starts another kernel in this one's place, as kexec-tools do.
//! Usage: kexec KERNEL INITRAMFS COMMAND_LINE

use std::ffi::CString;
use std::fs::File;
use std::io::{Error, Result};
use std::os::fd::AsRawFd;
use std::process::ExitCode;

fn start(kernel: &str, initramfs: &str, line: &str) -> Result<()> {
    let (kernel, initramfs) = (File::open(kernel)?, File::open(initramfs)?);
    let line = CString::new(line)?;
    // SAFETY: both files are open, and the line has the given length, including its NUL.
    unsafe {
        if libc::syscall(
            libc::SYS_kexec_file_load,
            kernel.as_raw_fd(),
            initramfs.as_raw_fd(),
            line.as_bytes_with_nul().len(),
            line.as_ptr(),
            0,
        ) == 0
        {
            // Returns only if it fails.
            libc::reboot(libc::LINUX_REBOOT_CMD_KEXEC);
        }
    }
    Err(Error::last_os_error())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, kernel, initramfs, line] = arguments.as_slice() else {
        eprintln!("usage: kexec KERNEL INITRAMFS COMMAND_LINE");
        return ExitCode::from(2);
    };
    if let Err(error) = start(kernel, initramfs, line) {
        eprintln!("kexec: {error}");
    }
    ExitCode::from(1)
}
