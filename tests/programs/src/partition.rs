// SPDX-License-Identifier: GPL-2.0-only
//! Adds a partition to a disk, or changes the size of one, whoever holds it; the disk's own table
//! of partitions is neither read nor written.
//! Usage: partition add|resize DISK NUMBER FROM COUNT, in bytes

use std::fs::File;
use std::io::Error;
use std::os::fd::AsRawFd;
use std::process::ExitCode;

const BLKPG: libc::c_ulong = 0x1269;
const BLKPG_ADD_PARTITION: libc::c_int = 1;
const BLKPG_RESIZE_PARTITION: libc::c_int = 3;

/// `struct blkpg_partition` of `include/uapi/linux/blkpg.h`.
#[repr(C)]
struct Partition {
    start: libc::c_longlong,
    length: libc::c_longlong,
    number: libc::c_int,
    names: [u8; 128],
}

/// `struct blkpg_ioctl_arg`.
#[repr(C)]
struct Argument {
    operation: libc::c_int,
    flags: libc::c_int,
    length: libc::c_int,
    data: *mut Partition,
}

fn run(arguments: &[String]) -> Result<(), String> {
    let [operation, disk, number, from, count] = arguments else {
        return Err("usage: partition add|resize DISK NUMBER FROM COUNT".into());
    };
    let operation = match operation.as_str() {
        "add" => BLKPG_ADD_PARTITION,
        "resize" => BLKPG_RESIZE_PARTITION,
        _ => return Err(format!("{operation}: has to be add or resize")),
    };
    let number_of = |text: &String| text.parse().map_err(|_| format!("{text}: not a number"));
    let mut partition = Partition {
        start: number_of(from)?,
        length: number_of(count)?,
        number: number
            .parse()
            .map_err(|_| format!("{number}: not a number"))?,
        names: [0; 128],
    };
    let mut argument = Argument {
        operation,
        flags: 0,
        length: std::mem::size_of::<Partition>() as libc::c_int,
        data: &mut partition,
    };
    let file = File::open(disk).map_err(|error| format!("{disk}: {error}"))?;
    // SAFETY: the argument and what it points at outlive the call.
    let result = unsafe { libc::ioctl(file.as_raw_fd(), BLKPG, &mut argument) };
    if result < 0 {
        return Err(format!("{disk}: {}", Error::last_os_error()));
    }
    Ok(())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("partition: {error}");
            ExitCode::FAILURE
        }
    }
}
