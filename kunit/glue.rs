// SPDX-License-Identifier: GPL-2.0-only

//! What only the suites need of the kernel and of the wrappers.

use super::bindings;
use super::call::Call;
use super::gendisk::{Disk, Frees};
use super::way::{Load, Store};
use super::zsmalloc::Pool;
use crate::device::Device;
use crate::engine::held::PinnedSlot;
use crate::engine::page::{Page, PAGE_SIZE};
use crate::engine::slot::Slot;
use core::marker::PhantomData;
use core::ptr::{self, NonNull};
use kernel::error::{from_err_ptr, to_result};
use kernel::ffi::{c_int, c_ulong, c_void};
use kernel::prelude::*;
use kernel::types::NotThreadSafe;

/// A slot of a device that only the case uses, and only for one operation at a time.
pub(crate) fn pinned(slot: Slot) -> PinnedSlot<'static> {
    // INVARIANT: no swap area is on the device, and each case gives each of its threads slots
    // of its own.
    PinnedSlot::new(slot)
}

/// A pool that expects its handles to be addresses from `base` on.
pub(crate) fn pool_with_base(base: usize) -> Result<Pool> {
    Pool::with_base(c"vswap-kunit", base)
}

/// Waits until RCU has freed all it was asked to free.
pub(crate) fn rcu_barrier() {
    // SAFETY: no requirements but that the caller may sleep.
    unsafe { bindings::vswap_kunit_rcu_barrier() }
}

/// Holds the disk as another user would, as the block layer may, until a moment after this.
/// Returns a function that waits for the end of that and says whether it came. One case at a time.
pub(crate) fn used_for_a_while(disk: &Disk<impl Frees>) -> impl FnOnce() -> bool {
    // SAFETY: the disk is there, and a reference keeps it.
    unsafe { bindings::vswap_kunit_use_begin(disk.bdev()) };
    // SAFETY: it was begun.
    || unsafe { bindings::vswap_kunit_use_end() }
}

/// Lets the current thread see the guest's files under their paths while this lives: kernel
/// threads have an empty root of their own.
pub(crate) struct Paths(*mut kernel::bindings::fs_struct, NotThreadSafe);

impl Paths {
    pub(crate) fn new() -> Self {
        // SAFETY: a case runs on a thread of KUnit's; the drop below undoes it, on that thread.
        Self(
            unsafe { bindings::vswap_kunit_paths_begin() },
            NotThreadSafe,
        )
    }
}

impl Drop for Paths {
    fn drop(&mut self) {
        // SAFETY: the value from `new`, on the same thread.
        unsafe { bindings::vswap_kunit_paths_end(self.0) }
    }
}

/// Binds the current thread to one CPU while this lives.
pub(crate) struct OnCpu(NotThreadSafe);

impl OnCpu {
    /// Moves there. `EINVAL`: that CPU is offline.
    pub(crate) fn new(cpu: u32) -> Result<Self> {
        // SAFETY: no requirements but that the caller may sleep.
        to_result(unsafe { bindings::vswap_kunit_run_on(cpu) })?;
        Ok(Self(NotThreadSafe))
    }
}

impl Drop for OnCpu {
    fn drop(&mut self) {
        // SAFETY: no requirements but that the caller may sleep.
        unsafe { bindings::vswap_kunit_run_anywhere() }
    }
}

/// A CPU that is offline while this lives.
pub(crate) struct Offline(u32);

impl Offline {
    /// Takes a CPU offline that no thread is bound to. May sleep.
    pub(crate) fn new(cpu: u32) -> Result<Self> {
        // SAFETY: no requirements but that the caller may sleep.
        to_result(unsafe { bindings::vswap_kunit_cpu_down(cpu) })?;
        Ok(Self(cpu))
    }
}

impl Drop for Offline {
    fn drop(&mut self) {
        // SAFETY: as in `new`.
        let error = unsafe { bindings::vswap_kunit_cpu_up(self.0) };
        if error != 0 {
            pr_warn!("CPU {} does not come back: {}\n", self.0, error);
        }
    }
}

/// Folios that are not mapped anywhere, with slots, and the swap core's side of calls for them.
///
/// # Invariants
///
/// The pointer is to a call that this value owns and that is not under way.
pub(crate) struct Folios(NonNull<bindings::vswap_kunit_call>);

// SAFETY: it is memory that this value owns.
unsafe impl Send for Folios {}

impl Folios {
    /// `count` folios of one zeroed page each, with the slots from `first` on. May sleep.
    pub(crate) fn new(first: Slot, count: u32) -> Result<Self> {
        Self::with(first, count, 0)
    }

    /// A folio of `1 << order` zeroed pages. May sleep.
    pub(crate) fn large(first: Slot, order: u32) -> Result<Self> {
        Self::with(first, 1, order)
    }

    /// `count` folios of `1 << order` zeroed pages each. May sleep.
    pub(crate) fn with(first: Slot, folios: u32, order: u32) -> Result<Self> {
        // SAFETY: no requirements but that the caller may sleep.
        let call = unsafe { bindings::vswap_kunit_call_new(first.number(), folios, order) };
        // INVARIANT: just made.
        NonNull::new(call).map(Self).ok_or(ENOMEM)
    }

    fn pointer(&self, index: usize) -> Option<NonNull<Page>> {
        let index = u32::try_from(index).ok()?;
        // SAFETY: the call is valid by the invariant.
        let page = unsafe { bindings::vswap_kunit_call_page(self.0.as_ptr(), index) };
        NonNull::new(page.cast())
    }

    /// A page. `EINVAL`: the call has fewer.
    pub(crate) fn page(&self, index: usize) -> Result<&Page> {
        let page = self.pointer(index).ok_or(EINVAL)?;
        // SAFETY: a page of a folio that is the call's, and nothing is under way.
        Ok(unsafe { page.as_ref() })
    }

    /// A page to modify. `EINVAL`: the call has fewer.
    pub(crate) fn page_mut(&mut self, index: usize) -> Result<&mut Page> {
        let mut page = self.pointer(index).ok_or(EINVAL)?;
        // SAFETY: as above, and `self` is borrowed to be changed.
        Ok(unsafe { page.as_mut() })
    }

    /// Turns the call into one that the swap core never makes, in one of several ways; `false`:
    /// there is no such way. The pages can't be read from then on.
    pub(crate) fn spoil(&mut self, how: u32) -> bool {
        // SAFETY: the call is valid by the invariant, and nothing is under way.
        unsafe { bindings::vswap_kunit_call_spoil(self.0.as_ptr(), how) }
    }

    /// Has the device store the pages, and waits for the answer.
    pub(crate) fn store(&mut self, device: &Device) -> Result {
        // SAFETY: the context is like one of the swap core, and nobody else uses the folios until
        // the answer is there.
        unsafe {
            let ctx = bindings::vswap_kunit_call_ctx(self.0.as_ptr());
            let call = Call::<Store, Device>::new(ctx, device);
            bindings::vswap_kunit_call_begin(self.0.as_ptr());
            call.store();
            to_result(bindings::vswap_kunit_call_wait(self.0.as_ptr()))
        }
    }

    /// Has the device load the pages, and waits for the answer.
    pub(crate) fn load(&mut self, device: &Device) -> Result {
        // SAFETY: as in `store`.
        unsafe {
            let ctx = bindings::vswap_kunit_call_ctx(self.0.as_ptr());
            let call = Call::<Load, Device>::new(ctx, device);
            bindings::vswap_kunit_call_begin(self.0.as_ptr());
            call.load();
            to_result(bindings::vswap_kunit_call_wait(self.0.as_ptr()))
        }
    }
}

impl Drop for Folios {
    fn drop(&mut self) {
        // SAFETY: the call is this value's own by the invariant, and answered.
        unsafe { bindings::vswap_kunit_call_free(self.0.as_ptr()) }
    }
}

/// Ways to open a [`File`].
pub(crate) const READ: c_int = 0;
pub(crate) const WRITE: c_int = 1;

/// A file of the guest.
///
/// # Invariants
///
/// The pointer is to an open file, a reference to which this value owns.
pub(crate) struct File(NonNull<kernel::bindings::file>);

impl File {
    /// Opens it. May sleep.
    pub(crate) fn open(path: &CStr, way: c_int) -> Result<Self> {
        // SAFETY: the path is a string.
        let file = unsafe { bindings::vswap_kunit_open(path.as_char_ptr(), way) };
        // INVARIANT: just opened.
        NonNull::new(from_err_ptr(file)?).map(Self).ok_or(ENOENT)
    }

    /// Writes to its start. Returns the number of bytes accepted.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<usize> {
        // SAFETY: the file is open; the bytes are there.
        count(unsafe {
            bindings::vswap_kunit_write(self.0.as_ptr(), bytes.as_ptr().cast(), bytes.len())
        })
    }

    /// Reads from its start. Returns the number of bytes read.
    pub(crate) fn read(&self, bytes: &mut [u8]) -> Result<usize> {
        // SAFETY: the file is open; there is room for the bytes.
        count(unsafe {
            bindings::vswap_kunit_read(self.0.as_ptr(), bytes.as_mut_ptr().cast(), bytes.len())
        })
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // SAFETY: the reference is this value's.
        unsafe { bindings::vswap_kunit_close(self.0.as_ptr()) }
    }
}

/// A number, or an error in the kernel's encoding.
fn count(result: isize) -> Result<usize> {
    usize::try_from(result).map_err(|_| error(result))
}

fn error(result: isize) -> Error {
    c_int::try_from(result).map_or(EINVAL, Error::from_errno)
}

/// A page of a process's memory, which the current thread keeps until its case is over.
pub(crate) struct UserPage(c_ulong, PhantomData<*mut c_void>);

impl UserPage {
    pub(crate) fn new() -> Result<Self> {
        // SAFETY: no requirements: without a case there is none.
        match unsafe { bindings::vswap_kunit_user_page() } {
            0 => Err(ENOMEM),
            address => Ok(Self(address, PhantomData)),
        }
    }

    /// Its address.
    pub(crate) fn address(&self) -> usize {
        // Lossless: both have 64 bits.
        self.0 as usize
    }

    /// Its contents.
    pub(crate) fn get(&self, bytes: &mut [u8]) -> Result {
        // SAFETY: there is room for the bytes, and the kernel checks the address.
        to_result(unsafe {
            bindings::vswap_kunit_from_user(bytes.as_mut_ptr().cast(), self.0, bytes.len())
        })
    }
}

/// The module's own node, opened.
pub(crate) struct OpenNode(File);

impl OpenNode {
    pub(crate) const GET_SIZE: u32 = bindings::VSWAP_BLKGETSIZE64;

    pub(crate) fn new() -> Result<Self> {
        Ok(Self(File::open(c"/dev/vswap0", READ)?))
    }

    fn file(&self) -> *mut kernel::bindings::file {
        self.0 .0.as_ptr()
    }

    /// As `pread` of a process.
    pub(crate) fn read(&self, to: usize, length: usize, position: i64) -> Result<usize> {
        // SAFETY: the file is open, and has that operation, which checks the address.
        count(unsafe {
            bindings::vswap_kunit_node_read(self.file(), to as c_ulong, length, position)
        })
    }

    /// As `ioctl` of a process.
    pub(crate) fn ioctl(&self, command: u32, argument: usize) -> Result<usize> {
        // SAFETY: as above.
        count(unsafe {
            bindings::vswap_kunit_node_ioctl(self.file(), command, argument as c_ulong)
        })
    }

    /// As `lseek`. Returns the position.
    pub(crate) fn seek(&self, offset: i64, whence: c_int) -> Result<usize> {
        // SAFETY: the file is open.
        let position = unsafe { bindings::vswap_kunit_node_seek(self.file(), offset, whence) };
        count(isize::try_from(position)?)
    }

    /// As `mmap` of the process whose page that is.
    pub(crate) fn map(&self, _page: &UserPage) -> Result<usize> {
        // SAFETY: the file is open, and the thread has a process's memory.
        count(unsafe { bindings::vswap_kunit_node_mmap(self.file()) })
    }

    /// As `write` of the kernel.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<usize> {
        File::open(c"/dev/vswap0", WRITE)?.write(bytes)
    }

    /// A page of its mapping, as `swapon` reads the header.
    pub(crate) fn page(&self, index: usize, to: &mut [u8; PAGE_SIZE]) -> Result {
        // SAFETY: the file is open, and there is room for a page.
        to_result(unsafe {
            bindings::vswap_kunit_node_page(self.file(), index as c_ulong, ptr::from_mut(to).cast())
        })
    }

    /// Marks it as swapped on, as `swapon` does.
    pub(crate) fn swapped_on(&self) -> SwappedOn<'_> {
        // SAFETY: the file is open; the drop undoes it.
        unsafe { bindings::vswap_kunit_node_swapped_on(self.file(), true) }
        SwappedOn(self)
    }

    /// Makes a swap area of it, and reads from the area's hidden disk. See `helpers.c`.
    pub(crate) fn read_hidden_disk(&self) -> Result {
        // SAFETY: the file is open and the device not swapped on.
        to_result(unsafe { bindings::vswap_kunit_node_hidden_disk(self.file()) })
    }
}

/// The node is marked as swapped on.
pub(crate) struct SwappedOn<'a>(&'a OpenNode);

impl Drop for SwappedOn<'_> {
    fn drop(&mut self) {
        // SAFETY: the file is open.
        unsafe { bindings::vswap_kunit_node_swapped_on(self.0.file(), false) }
    }
}
