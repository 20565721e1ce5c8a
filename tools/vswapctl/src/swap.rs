// SPDX-License-Identifier: GPL-2.0-only

//! Swapping on and off.

use crate::failure::{failed, Code, Failure};
use std::ffi::CString;
use std::io::Error;
use vswap_sysfs::NODE;

/// That the priority is given; the kernel's `SWAP_FLAG_PREFER`.
const PREFER: i32 = 0x8000;

/// Swaps the device on. A priority below 0 leaves it to the kernel.
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

/// Swaps the device off, which reads everything back.
///
/// # Errors
///
/// There is too little memory, or a signal came.
pub fn off() -> Result<(), Failure> {
    let result = call(|path| {
        // SAFETY: the path is a string that ends with a zero byte.
        unsafe { libc::swapoff(path.as_ptr()) }
    });
    result.map_err(|error| match error.raw_os_error() {
        Some(libc::ENOMEM) => failed(format!(
            "there is too little memory to read everything back from {NODE}; end some programs, or swap on something else first"
        )),
        Some(libc::EINTR) => Failure::new(Code::Cancelled, format!("{NODE} is still swapped on: it was interrupted")),
        _ => failed(format!("{NODE} can't be swapped off: {error}")),
    })
}

fn call(function: impl Fn(&CString) -> i32) -> Result<(), Error> {
    let path = CString::new(NODE)?;
    match function(&path) {
        0 => Ok(()),
        _ => Err(Error::last_os_error()),
    }
}
