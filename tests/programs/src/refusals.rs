// SPDX-License-Identifier: GPL-2.0-only
//! Does to the swap device's node what only swapon should do, and checks how it is refused.
//! Usage: refusals NODE SIZE_IN_BYTES

use std::fs::{File, OpenOptions};
use std::io::{Error, Seek, SeekFrom};
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::process::ExitCode;

const PAGE: usize = if cfg!(feature = "pages-16k") {
    16384
} else {
    4096
};
const BLKGETSIZE64: libc::c_ulong = 0x8008_1272;

struct Checks {
    failed: u32,
}

impl Checks {
    fn expect(&mut self, what: &str, holds: bool, got: impl std::fmt::Debug) {
        if !holds {
            self.failed += 1;
            println!("refusals: {what}: got {got:?}");
        }
    }

    /// `result` is a system call's: it has to be negative, with one of `errors`.
    fn refused(&mut self, what: &str, result: i64, errors: &[i32]) {
        let error = Error::last_os_error();
        let known = error
            .raw_os_error()
            .is_some_and(|number| errors.contains(&number));
        self.expect(what, result < 0 && known, (result, error));
    }
}

fn check(checks: &mut Checks, node: &str, size: u64) -> std::io::Result<()> {
    let mut file = OpenOptions::new().read(true).write(true).open(node)?;
    let fd = file.as_raw_fd();
    let page = [1u8; PAGE];

    // SAFETY (all blocks below): the pointers are to live memory of the sizes named, or the
    // call is expected to fail before it uses them.
    let wrote = unsafe { libc::write(fd, page.as_ptr().cast(), PAGE) };
    checks.refused("write", wrote as i64, &[libc::EINVAL, libc::EBADF]);
    let wrote = unsafe { libc::pwrite(fd, page.as_ptr().cast(), PAGE, PAGE as i64) };
    checks.refused("pwrite", wrote as i64, &[libc::EINVAL, libc::EBADF]);
    for (what, flags, protection) in [
        (
            "mmap shared",
            libc::MAP_SHARED,
            libc::PROT_READ | libc::PROT_WRITE,
        ),
        ("mmap private", libc::MAP_PRIVATE, libc::PROT_READ),
    ] {
        let map = unsafe { libc::mmap(std::ptr::null_mut(), PAGE, protection, flags, fd, 0) };
        let result = if map == libc::MAP_FAILED { -1 } else { 0 };
        // While it is on, the kernel itself refuses to map it for writing, as "text busy".
        checks.refused(what, result, &[libc::ENODEV, libc::ETXTBSY]);
    }
    // Terminal settings, a block device's flush, one of nobody's, one of every bit.
    for request in [0x5401, 0x1261, 0x1234, 0xffff_ffff] {
        let result = unsafe { libc::ioctl(fd, request, std::ptr::null_mut::<libc::c_void>()) };
        checks.refused(
            &format!("ioctl {request:#x}"),
            result.into(),
            &[libc::ENOTTY],
        );
    }
    let result = unsafe { libc::ioctl(fd, BLKGETSIZE64, std::ptr::null_mut::<libc::c_void>()) };
    checks.refused("BLKGETSIZE64 to nowhere", result.into(), &[libc::EFAULT]);

    let mut bytes = 0u64;
    let result = unsafe { libc::ioctl(fd, BLKGETSIZE64, &mut bytes) };
    checks.expect(
        "BLKGETSIZE64",
        result == 0 && bytes == size,
        (result, bytes),
    );
    let end = file.seek(SeekFrom::End(0))?;
    checks.expect("seek to the end", end == size, end);

    let mut buffer = [0xffu8; PAGE];
    file.read_exact_at(&mut buffer, 0)?;
    checks.expect(
        "page 0 has the signature",
        buffer[PAGE - 10..] == *b"SWAPSPACE2",
        &buffer[PAGE - 10..],
    );
    for offset in [PAGE as u64, size / 2, size - PAGE as u64] {
        buffer.fill(0xff);
        file.read_exact_at(&mut buffer, offset)?;
        checks.expect(
            &format!("zeros at {offset}"),
            buffer == [0; PAGE],
            &buffer[..8],
        );
    }
    // Across the border of page 0: the magic's end, then zeros.
    let mut border = [0xffu8; 16];
    file.read_exact_at(&mut border, PAGE as u64 - 4)?;
    checks.expect(
        "read across page 0's end",
        border == *b"ACE2\0\0\0\0\0\0\0\0\0\0\0\0",
        border,
    );
    let read = file.read_at(&mut buffer, size)?;
    checks.expect("read at the end", read == 0, read);
    let read = file.read_at(&mut buffer, size - 8)?;
    checks.expect("read over the end", read == 8, read);
    drop(file);

    // A node that is open several times is still one device.
    let (_one, two) = (File::open(node)?, File::open(node)?);
    two.read_exact_at(&mut buffer, 0)?;

    // Comes last, because there is no way back. The number is that of "nobody".
    checks.expect(
        "setuid",
        unsafe { libc::setuid(65534) } == 0,
        Error::last_os_error(),
    );
    let error = File::open(node)
        .err()
        .and_then(|error| error.raw_os_error());
    checks.expect("open by another user", error == Some(libc::EACCES), error);
    Ok(())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let Some((node, size)) = arguments
        .get(1)
        .zip(arguments.get(2).and_then(|size| size.parse().ok()))
    else {
        eprintln!("usage: refusals NODE SIZE_IN_BYTES");
        return ExitCode::from(2);
    };
    let mut checks = Checks { failed: 0 };
    if let Err(error) = check(&mut checks, node, size) {
        checks.expect("system calls", false, error);
    }
    println!("refusals: {node}: {} check(s) failed", checks.failed);
    ExitCode::from(u8::from(checks.failed != 0))
}
