// SPDX-License-Identifier: GPL-2.0-only
//! Calls on the attributes, and their allowed results (docs/sysfs.md).

use crate::tally::Tally;
use crate::text::{self, Takes};
use crate::user::User;
use fastrand::Rng;
use libc::{
    EACCES, EBUSY, ECANCELED, EEXIST, EINTR, EINVAL, EIO, ENODEV, ENOENT, ENOMEM, ENOSPC, ENOTBLK,
    ENOTDIR, ENXIO, EOPNOTSUPP, EPERM, EROFS,
};
use std::ffi::CString;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// The most of one write that sysfs passes on.
const PAGE: usize = if cfg!(feature = "pages-16k") {
    16384
} else {
    4096
};

struct Attribute {
    name: &'static str,
    mode: u32,
    takes: Takes,
    errors: &'static [i32],
}

impl Attribute {
    const fn new(name: &'static str, mode: u32, takes: Takes, errors: &'static [i32]) -> Self {
        Self {
            name,
            mode,
            takes,
            errors,
        }
    }
}

#[rustfmt::skip]
const ATTRIBUTES: [Attribute; 13] = [
    Attribute::new("size", 0o644, Takes::Size, &[EINVAL, EBUSY]),
    Attribute::new("ram_limit", 0o644, Takes::Size, &[EINVAL]),
    Attribute::new("comp_algorithm", 0o644, Takes::Algorithm, &[EINVAL]),
    Attribute::new("high_watermark", 0o644, Takes::Percent, &[EINVAL]),
    Attribute::new("low_watermark", 0o644, Takes::Percent, &[EINVAL]),
    Attribute::new("writeback_limit", 0o644, Takes::Size, &[EINVAL]),
    Attribute::new("stat", 0o444, Takes::Nothing, &[EIO]),
    Attribute::new("tiers", 0o444, Takes::Nothing, &[EIO]),
    Attribute::new("tier_add", 0o200, Takes::Disk, &[
        EINVAL, ENOENT, ENOTDIR, EACCES, ENOTBLK, ENXIO, ENODEV, EBUSY, EROFS, EPERM, EEXIST, ENOSPC, EIO, EOPNOTSUPP,
    ]),
    Attribute::new("tier_remove", 0o200, Takes::Removal, &[ENOENT, EBUSY, ENOSPC, ECANCELED, EINTR, EIO, EINVAL]),
    Attribute::new("tier_cancel", 0o200, Takes::Path, &[ENOENT, EINVAL]),
    Attribute::new("writeback", 0o200, Takes::Age, &[EINVAL, ENOSPC, EINTR]),
    Attribute::new("recompress", 0o200, Takes::Age, &[EINVAL, EINTR]),
];

/// A process's calls on the attributes in one directory.
pub struct Attributes<'a> {
    /// The directory.
    pub folder: &'a str,
    /// Disks that may be added and removed.
    pub disks: &'a [String],
    /// The user who calls.
    pub user: User,
    /// The counts.
    pub tally: &'a Tally,
}

/// Schedules a signal after `microseconds`; none for 0.
fn interrupt_after(microseconds: i64) {
    let time = |tv_usec| libc::timeval { tv_sec: 0, tv_usec };
    let timer = libc::itimerval {
        it_interval: time(0),
        it_value: time(microseconds),
    };
    // SAFETY: the timer is read, and nothing is written.
    unsafe { libc::setitimer(libc::ITIMER_REAL, &timer, std::ptr::null_mut()) };
}

impl Attributes<'_> {
    /// Does something to a random attribute.
    pub fn go(&self, rng: &mut Rng) {
        let Some(attribute) = rng.choice(&ATTRIBUTES) else {
            return;
        };
        let Ok(path) = CString::new(format!("{}/{}", self.folder, attribute.name)) else {
            return;
        };
        match (self.user, rng.u8(..8)) {
            (_, 0) => self.read(rng, attribute, &path),
            (User::Root, _) => self.write(rng, attribute, &path),
            (User::Nobody, 1) => self.harm(rng, &path),
            (User::Nobody, _) => self.open_in_vain(rng, attribute, &path),
        }
    }

    fn open(&self, path: &CString, flags: i32) -> Result<OwnedFd, i32> {
        // SAFETY: the path ends with a NUL; a file that is opened belongs to this value.
        unsafe {
            let file = self
                .tally
                .call(libc::open(path.as_ptr(), flags, 0o666).into())?;
            Ok(OwnedFd::from_raw_fd(file as i32))
        }
    }

    /// Reads it in one piece or several; its output is text, and reveals no address.
    fn read(&self, rng: &mut Rng, attribute: &Attribute, path: &CString) {
        let file = match self.open(path, libc::O_RDONLY) {
            Ok(file) => file,
            Err(error) => {
                let hidden = attribute.mode & 0o444 == 0;
                return self.tally.expect(hidden && error == EACCES, || {
                    format!("{} can't be opened: error {error}", attribute.name)
                });
            }
        };
        self.tally.expect(attribute.mode & 0o444 != 0, || {
            format!("{} can be read", attribute.name)
        });
        let piece = *rng.choice(&[1, 7, 100, PAGE, 2 * PAGE]).unwrap_or(&PAGE);
        let mut shown = Vec::new();
        let mut buffer = vec![0u8; piece];
        loop {
            // SAFETY: the buffer is as long as is said.
            let read = unsafe { libc::read(file.as_raw_fd(), buffer.as_mut_ptr().cast(), piece) };
            match self.tally.call(read as i64) {
                Ok(0) => break,
                Ok(read) => shown.extend_from_slice(&buffer[..read as usize]),
                Err(error) => {
                    return self.tally.expect(error == EINTR, || {
                        format!("{} can't be read: error {error}", attribute.name)
                    })
                }
            }
        }
        // SAFETY: the buffer is as long as is said; the offset is any number.
        let read = unsafe {
            libc::pread(
                file.as_raw_fd(),
                buffer.as_mut_ptr().cast(),
                piece,
                rng.i64(..),
            )
        };
        let _ = self.tally.call(read as i64);
        let text = String::from_utf8_lossy(&shown);
        let is_text = text.chars().all(|c| c == '\n' || (' '..='~').contains(&c));
        let is_whole = text.is_empty() || text.ends_with('\n');
        self.tally
            .expect(is_text && is_whole && shown.len() < PAGE, || {
                format!("{} shows {text:?}", attribute.name)
            });
        self.tally.expect(!tells_an_address(&text), || {
            format!("{} shows an address: {text:?}", attribute.name)
        });
    }

    /// Writes something to it.
    fn write(&self, rng: &mut Rng, attribute: &Attribute, path: &CString) {
        let odd = [
            0,
            0,
            0,
            libc::O_TRUNC | libc::O_CREAT,
            libc::O_APPEND,
            libc::O_NONBLOCK,
        ];
        let access = if rng.u8(..8) == 0 {
            libc::O_RDWR
        } else {
            libc::O_WRONLY
        };
        let flags = access | *rng.choice(&odd).unwrap_or(&0);
        // Root can also open what nobody can write to; then the write fails.
        let Ok(file) = self.open(path, flags) else {
            return;
        };
        for _ in 0..=rng.u8(..3) {
            let text = text::draw(rng, attribute.takes, self.disks);
            interrupt_after(rng.i64(500..50_000));
            self.write_text(rng, attribute, &file, &text);
            interrupt_after(0);
        }
    }

    fn write_text(&self, rng: &mut Rng, attribute: &Attribute, file: &OwnedFd, text: &[u8]) {
        let file = file.as_raw_fd();
        let split = rng.usize(..=text.len());
        let piece = |text: &[u8]| libc::iovec {
            iov_base: text.as_ptr().cast_mut().cast(),
            iov_len: text.len(),
        };
        let pieces = [piece(&text[..split]), piece(&text[split..])];
        // SAFETY: texts have the given lengths; there is nothing at address 1.
        let (wrote, from_memory) = unsafe {
            match rng.u8(..10) {
                0 => (
                    libc::pwrite(file, text.as_ptr().cast(), text.len(), rng.i64(..)),
                    false,
                ),
                1 => (libc::writev(file, pieces.as_ptr(), 2), true),
                2 => (
                    libc::write(file, std::ptr::without_provenance(1), 1 + split),
                    false,
                ),
                3 => (splice(file, text), false),
                _ => (libc::write(file, text.as_ptr().cast(), text.len()), true),
            }
        };
        let outcome = self.tally.call(wrote as i64);
        if !from_memory {
            return;
        }
        let right = match outcome {
            Ok(wrote) => {
                attribute.mode & 0o200 != 0 && wrote as usize == text.len().min(PAGE)
                    || text.is_empty()
            }
            Err(ENOMEM) => true,
            Err(error) => attribute.errors.contains(&error),
        };
        self.tally.expect(right, || {
            format!(
                "{} answers {outcome:?} to {} bytes: {:?}",
                attribute.name,
                text.len(),
                String::from_utf8_lossy(&text[..text.len().min(80)])
            )
        });
    }

    /// Opens it for writing, which must fail.
    fn open_in_vain(&self, rng: &mut Rng, attribute: &Attribute, path: &CString) {
        let more = rng.i32(..) & (libc::O_TRUNC | libc::O_APPEND | libc::O_CREAT | libc::O_SYNC);
        let flags = *rng.choice(&[libc::O_WRONLY, libc::O_RDWR]).unwrap_or(&0) | more;
        let error = self.open(path, flags).err();
        self.tally.expect(error == Some(EACCES), || {
            format!(
                "{}, opened with {flags:#o} by nobody: error {error:?}",
                attribute.name
            )
        });
    }

    /// Does to the file what only its owner may do.
    fn harm(&self, rng: &mut Rng, path: &CString) {
        let path = path.as_ptr();
        let other = c"/tmp/other".as_ptr();
        // SAFETY: paths end with a NUL, and times may be missing.
        let (what, returned) = unsafe {
            match rng.u8(..6) {
                0 => ("chmod", libc::chmod(path, 0o666)),
                1 => ("chown", libc::chown(path, 65534, 65534)),
                2 => ("truncate", libc::truncate(path, 0)),
                3 => ("unlink", libc::unlink(path)),
                4 => ("rename", libc::rename(path, other)),
                _ => ("link", libc::link(path, other)),
            }
        };
        let outcome = self.tally.call(returned.into());
        self.tally.expect(outcome.is_err(), || {
            format!("nobody can {what} an attribute")
        });
    }
}

/// Writes `text` through a pipe.
///
/// # Safety
///
/// `file` is open.
unsafe fn splice(file: i32, text: &[u8]) -> isize {
    let mut ends = [0; 2];
    // SAFETY: there is room for both ends, which are closed once; a pipe holds that much.
    unsafe {
        if libc::pipe(ends.as_mut_ptr()) < 0 {
            return -1;
        }
        libc::write(ends[1], text.as_ptr().cast(), text.len().min(16 * PAGE));
        libc::close(ends[1]);
        let moved = libc::splice(
            ends[0],
            std::ptr::null_mut(),
            file,
            std::ptr::null_mut(),
            16 * PAGE,
            0,
        );
        libc::close(ends[0]);
        moved
    }
}

/// Whether the text has a number like the kernel's addresses: ffff and twelve more hexadecimal digits.
fn tells_an_address(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_hexdigit())
        .any(|word| word.len() == 16 && word.to_ascii_lowercase().starts_with("ffff"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_told_from_a_number() {
        assert!(tells_an_address("pool 0xffff888003c0a000\n"));
        assert!(!tells_an_address("size 1234567890123456\n"));
    }
}
