// SPDX-License-Identifier: GPL-2.0-only
//! The memory under test: how it is mapped, swapped out and discarded.

use crate::content::PAGE;
use std::io::{Error, Result};
use std::ptr;

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Backing {
    /// Private anonymous memory in pages of 4 KiB.
    Anon,
    /// Private anonymous memory, aligned for and advised to be huge pages of 2 MiB.
    Thp,
    /// Shared memory of a memfd.
    Shmem,
}

const HUGE: usize = 2 << 20;

pub struct Area {
    base: *mut u8,
    pages: usize,
    backing: Backing,
}

// SAFETY: the mapping stays for the life of the process, and whoever gets a page from
// `page()` makes sure that no other thread writes it meanwhile.
unsafe impl Send for Area {}
// SAFETY: as above.
unsafe impl Sync for Area {}

fn check(result: libc::c_int) -> Result<()> {
    if result == 0 {
        Ok(())
    } else {
        Err(Error::last_os_error())
    }
}

impl Area {
    pub fn new(pages: usize, backing: Backing) -> Result<Self> {
        let (flags, fd) = match backing {
            Backing::Shmem => (libc::MAP_SHARED, memfd(pages)?),
            Backing::Anon | Backing::Thp => (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1),
        };
        let spare = if backing == Backing::Thp { HUGE } else { 0 };
        // SAFETY: a new mapping, at an address that the kernel chooses.
        let map = unsafe {
            libc::mmap(
                ptr::null_mut(),
                pages * PAGE + spare,
                libc::PROT_READ | libc::PROT_WRITE,
                flags | libc::MAP_NORESERVE,
                fd,
                0,
            )
        };
        if map == libc::MAP_FAILED {
            return Err(Error::last_os_error());
        }
        let map = map.cast::<u8>();
        let align = if backing == Backing::Thp { HUGE } else { PAGE };
        let area = Area {
            base: map.wrapping_add(map.align_offset(align)),
            pages,
            backing,
        };
        match backing {
            Backing::Thp => area.advise(0, pages, libc::MADV_HUGEPAGE)?,
            Backing::Anon => match area.advise(0, pages, libc::MADV_NOHUGEPAGE) {
                // A kernel without huge pages doesn't know that advice.
                Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {}
                result => result?,
            },
            Backing::Shmem => {}
        }
        Ok(area)
    }

    fn advise(&self, page: usize, count: usize, advice: libc::c_int) -> Result<()> {
        assert!(page + count <= self.pages);
        // SAFETY: the range is inside our own mapping, and nobody holds references into it.
        check(unsafe { libc::madvise(self.page(page).cast(), count * PAGE, advice) })
    }

    pub fn page(&self, number: usize) -> *mut u8 {
        self.base.wrapping_add(number * PAGE)
    }

    pub fn address(&self) -> usize {
        self.base as usize
    }

    pub fn pages(&self) -> usize {
        self.pages
    }

    /// Keeps everything else that this process has, or will have, out of swap: if a page of it
    /// can't be read back, the process ends, whatever it is testing.
    pub fn lock_all_else(&self) -> Result<()> {
        // SAFETY: the first has no arguments in memory; the second's range is our own mapping.
        unsafe {
            check(libc::mlockall(
                libc::MCL_CURRENT | libc::MCL_FUTURE | libc::MCL_ONFAULT,
            ))?;
            check(libc::munlock(self.page(0).cast(), self.pages * PAGE))
        }
    }

    /// Has the kernel swap those pages out.
    pub fn page_out(&self, page: usize, count: usize) -> Result<()> {
        self.advise(page, count, libc::MADV_PAGEOUT)
    }

    /// Discards those pages, so that they read as zero; their swap slots become free.
    pub fn discard(&self, page: usize, count: usize) -> Result<()> {
        self.advise(
            page,
            count,
            if self.backing == Backing::Shmem {
                libc::MADV_REMOVE
            } else {
                libc::MADV_DONTNEED
            },
        )
    }
}

fn memfd(pages: usize) -> Result<libc::c_int> {
    // SAFETY: the name is a C string; the descriptor is ours.
    unsafe {
        let fd = libc::memfd_create(c"pagecheck".as_ptr(), libc::MFD_CLOEXEC);
        if fd < 0 {
            return Err(Error::last_os_error());
        }
        check(libc::ftruncate(fd, (pages * PAGE) as libc::off_t))?;
        Ok(fd)
    }
}
