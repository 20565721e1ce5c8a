// SPDX-License-Identifier: GPL-2.0-only
//! Calls on the device's node, which shows a header and zeros and accepts nothing.

use crate::tally::Tally;
use crate::user::User;
use fastrand::Rng;
use std::ffi::CString;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

const PAGE: usize = if cfg!(feature = "pages-16k") {
    16384
} else {
    4096
};
const BLKGETSIZE64: u64 = 0x8008_1272;
const FIFREEZE: u64 = 0xc004_5877;
const FITHAW: u64 = 0xc004_5878;

/// Numbers that mean something to a block device, a terminal, a file, a tape or the kernel itself.
const KNOWN: [u64; 24] = [
    BLKGETSIZE64,
    0x1260,
    0x1261,
    0x1263,
    0x1268,
    0x1269,
    0x126c,
    0x126d,
    0x1277,
    0x127f,
    0x125d,
    0x125e,
    0x125f,
    0x0301,
    0x5401,
    0x5413,
    0x541b,
    0x5421,
    0x5450,
    0x5451,
    0x5452,
    0x5460,
    0x8008_6601,
    0x0001,
];

/// A process's calls on the node.
pub struct Node<'a> {
    path: CString,
    user: User,
    tally: &'a Tally,
    /// The first page. Empty for a user who can't read it.
    header: Vec<u8>,
}

impl<'a> Node<'a> {
    /// The node at a path, whose contents must stay what they are now.
    pub fn new(path: &str, user: User, tally: &'a Tally) -> std::io::Result<Self> {
        let header = match user {
            User::Root => {
                let mut page = vec![0; PAGE];
                std::io::Read::read_exact(&mut std::fs::File::open(path)?, &mut page)?;
                page
            }
            User::Nobody => Vec::new(),
        };
        Ok(Self {
            path: CString::new(path)?,
            user,
            tally,
            header,
        })
    }

    /// Opens it and does something with it.
    pub fn go(&self, rng: &mut Rng) {
        let mut flags = *rng
            .choice(&[libc::O_RDONLY, libc::O_WRONLY, libc::O_RDWR, libc::O_PATH])
            .unwrap_or(&0);
        if rng.bool() {
            flags |= rng.i32(..) & 0x7f_ffff & !libc::O_PATH;
        }
        // SAFETY: the path ends with a NUL; a file that is opened belongs to this value.
        let opened = unsafe {
            let file = libc::open(self.path.as_ptr(), flags, 0o666);
            self.tally
                .call(file.into())
                .map(|file| OwnedFd::from_raw_fd(file as i32))
        };
        let Ok(file) = opened else {
            return self.others(rng);
        };
        // A file opened for its path alone does not give access to what is behind it.
        let is_path = flags & libc::O_PATH != 0;
        self.tally.expect(self.user == User::Root || is_path, || {
            format!("nobody opened the node with {flags:#o}")
        });
        for _ in 0..rng.u8(1..8) {
            self.use_it(rng, file.as_raw_fd(), is_path);
        }
    }

    /// Calls that need no open file.
    fn others(&self, rng: &mut Rng) {
        if self.user == User::Root {
            return;
        }
        let path = self.path.as_ptr();
        // SAFETY: the path ends with a NUL.
        let (what, returned) = unsafe {
            match rng.u8(..6) {
                0 => ("swap on", libc::swapon(path, 0)),
                1 => ("swap off", libc::swapoff(path)),
                2 => ("chmod", libc::chmod(path, 0o666)),
                3 => ("chown", libc::chown(path, 65534, 65534)),
                4 => ("unlink", libc::unlink(path)),
                _ => ("truncate", libc::truncate(path, 0)),
            }
        };
        let outcome = self.tally.call(returned.into());
        self.tally
            .expect(outcome.is_err(), || format!("nobody can {what} the node"));
    }

    fn use_it(&self, rng: &mut Rng, file: i32, is_path: bool) {
        match rng.u8(..6) {
            0 | 1 => self.read(rng, file),
            2 => self.ioctl(rng, file, is_path),
            3 => self.change(rng, file),
            4 => self.move_about(rng, file),
            _ => self.map(rng, file),
        }
    }

    fn offset(rng: &mut Rng) -> i64 {
        match rng.u8(..4) {
            0 => rng.i64(..),
            1 => rng.i64(..2 * PAGE as i64),
            _ => rng.i64(..1 << 31),
        }
    }

    /// Reads return only the header and zeros, wherever they start.
    fn read(&self, rng: &mut Rng, file: i32) {
        let mut buffer = vec![0xff; rng.usize(..3 * PAGE)];
        let offset = Self::offset(rng);
        // SAFETY: the buffer is as long as is said; at address 1 there is nothing.
        let read = unsafe {
            if rng.u8(..8) == 0 {
                libc::pread(
                    file,
                    std::ptr::without_provenance_mut(1),
                    buffer.len(),
                    offset,
                )
            } else {
                libc::pread(file, buffer.as_mut_ptr().cast(), buffer.len(), offset)
            }
        };
        let Ok(read) = self.tally.call(read as i64) else {
            return;
        };
        let from = usize::try_from(offset).unwrap_or(0);
        let expected = (from..).map(|at| self.header.get(at).copied().unwrap_or(0));
        let right = buffer[..read as usize]
            .iter()
            .zip(expected)
            .all(|(&got, expected)| got == expected);
        self.tally.expect(right, || {
            format!("the node shows something else at {offset}: {read} bytes")
        });
    }

    fn ioctl(&self, rng: &mut Rng, file: i32, is_path: bool) {
        let mut request = match rng.u8(..4) {
            0 => rng.u64(..),
            // A block device's, and a file's.
            1 => 0x1200 + rng.u64(..256),
            _ => *rng.choice(&KNOWN).unwrap_or(&BLKGETSIZE64),
        };
        if rng.u8(..8) == 0 {
            request ^= 1 << rng.u32(..32);
        }
        // Those would freeze the file system of /dev.
        if [FIFREEZE, FITHAW].contains(&(request & 0xffff_ffff)) {
            return;
        }
        let mut memory = [0u8; 8 * PAGE];
        rng.fill(&mut memory);
        let argument: *mut u8 = match rng.u8(..4) {
            0 => std::ptr::without_provenance_mut(rng.usize(..)),
            1 => std::ptr::null_mut(),
            _ => memory.as_mut_ptr(),
        };
        // A random address could be one of this process.
        let argument = match argument as usize {
            0..=4095 => argument,
            address if address >> 47 != 0 => argument,
            _ => memory.as_mut_ptr(),
        };
        // SAFETY: the argument is memory with room, or unmapped.
        let outcome = self
            .tally
            .call(unsafe { libc::ioctl(file, request as libc::c_ulong, argument) }.into());
        // What the kernel itself answers for any file: 'T', 'f', 'X', and numbers below 256.
        let kind = (request >> 8) & 0xff;
        let general = [0x54, 0x66, 0x58, 0x15, 0].contains(&kind);
        let own = request & 0xffff_ffff == BLKGETSIZE64;
        self.tally
            .expect(outcome.is_err() || (!is_path && (own || general)), || {
                format!("the node takes ioctl {request:#x}")
            });
    }

    /// Calls that would change what is behind the node; all must fail.
    fn change(&self, rng: &mut Rng, file: i32) {
        let page = [0x5a_u8; PAGE];
        let length = rng.usize(1..=PAGE);
        let offset = Self::offset(rng);
        let pieces = [libc::iovec {
            iov_base: page.as_ptr().cast_mut().cast(),
            iov_len: length,
        }; 3];
        let mut at = 0;
        // SAFETY: what is written is as long as is said, and zeros can always be opened.
        let (what, returned) = unsafe {
            let write = libc::write(file, page.as_ptr().cast(), length) as i64;
            match rng.u8(..9) {
                0 => ("write", write),
                1 => (
                    "pwrite",
                    libc::pwrite(file, page.as_ptr().cast(), length, offset) as i64,
                ),
                2 => ("writev", libc::writev(file, pieces.as_ptr(), 3) as i64),
                3 => (
                    "fallocate",
                    libc::fallocate(file, rng.i32(..64), offset, 4096).into(),
                ),
                4 => ("ftruncate", libc::ftruncate(file, offset).into()),
                5 => ("sendfile", {
                    let Ok(zeros) = std::fs::File::open("/dev/zero") else {
                        return;
                    };
                    libc::sendfile(file, zeros.as_raw_fd(), &mut at, length) as i64
                }),
                6 => ("copy_file_range", {
                    libc::copy_file_range(file, &mut at, file, std::ptr::null_mut(), length, 0)
                        as i64
                }),
                7 => ("splice", {
                    let mut ends = [0; 2];
                    if libc::pipe(ends.as_mut_ptr()) < 0 {
                        return;
                    }
                    let ends = ends.map(|end| OwnedFd::from_raw_fd(end));
                    libc::write(ends[1].as_raw_fd(), page.as_ptr().cast(), length);
                    let (none, pipe) = (std::ptr::null_mut(), ends[0].as_raw_fd());
                    libc::splice(pipe, none, file, none, length, libc::SPLICE_F_NONBLOCK) as i64
                }),
                _ => ("fsetxattr", {
                    let name = c"user.name".as_ptr();
                    libc::fsetxattr(file, name, page.as_ptr().cast(), 8, 0).into()
                }),
            }
        };
        let outcome = self.tally.call(returned);
        self.tally.expect(outcome.is_err(), || {
            format!("the node takes {what}: {outcome:?}")
        });
    }

    /// Calls that change nothing; they may succeed.
    fn move_about(&self, rng: &mut Rng, file: i32) {
        let offset = Self::offset(rng);
        let mut poll = libc::pollfd {
            fd: file,
            events: rng.i16(..),
            revents: 0,
        };
        // SAFETY: each gets the arguments that it needs, and numbers.
        let returned = unsafe {
            match rng.u8(..9) {
                0 => libc::lseek(file, offset, rng.i32(-1..8)),
                1 => libc::posix_fadvise(file, offset, rng.i64(..1 << 24), rng.i32(..8)).into(),
                2 => libc::readahead(file, offset, rng.usize(..1 << 20)) as i64,
                3 => libc::fsync(file).into(),
                4 => libc::sync_file_range(file, offset, 4096, rng.u32(..8)).into(),
                5 => libc::flock(file, libc::LOCK_SH | libc::LOCK_NB).into(),
                6 => libc::poll(&mut poll, 1, 0).into(),
                7 => libc::fcntl(file, libc::F_GETFL).into(),
                _ => {
                    let mut buffer = [0u8; 100];
                    libc::syscall(libc::SYS_getdents64, file, buffer.as_mut_ptr(), 100)
                }
            }
        };
        let _ = self.tally.call(returned);
    }

    /// It can't be mapped.
    fn map(&self, rng: &mut Rng, file: i32) {
        let length = PAGE * rng.usize(1..9);
        let flags = *rng
            .choice(&[
                libc::MAP_SHARED,
                libc::MAP_PRIVATE,
                libc::MAP_SHARED_VALIDATE | libc::MAP_SYNC,
                libc::MAP_PRIVATE | libc::MAP_POPULATE,
            ])
            .unwrap_or(&0);
        let offset = Self::offset(rng) & !(PAGE as i64 - 1);
        // SAFETY: a mapping at an address that the kernel chooses overlaps no other.
        let map = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                length,
                rng.i32(..8),
                flags,
                file,
                offset,
            )
        };
        let mapped = map != libc::MAP_FAILED;
        let _ = self.tally.call(if mapped { 0 } else { -1 });
        self.tally.expect(!mapped, || {
            format!("the node can be mapped, with {flags:#x}")
        });
    }
}
