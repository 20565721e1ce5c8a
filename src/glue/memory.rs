// SPDX-License-Identifier: GPL-2.0-only

//! Memory: what the machine has, and pages and objects for the swap-out path.
//!
//! C headers: `include/linux/gfp.h`, `include/linux/slab.h`

use super::{bindings, cpu, rcu};
use crate::engine::page::{Page, PAGE_SIZE};
use crate::engine::platform;
use crate::engine::table::Table;
use core::mem::ManuallyDrop;
use core::ptr::{self, NonNull};
use kernel::ffi::c_void;
use kernel::prelude::*;

/// The machine's RAM in bytes, without what the kernel has reserved.
pub(crate) fn total_ram() -> u64 {
    // SAFETY: no requirements.
    unsafe { bindings::vswap_total_ram() }
}

/// RAM in bytes that is available without swapping, as the kernel estimates it.
pub(crate) fn available_ram() -> u64 {
    // SAFETY: no requirements.
    unsafe { bindings::vswap_available_ram() }
}

/// How many pages are in the swap cache, of all swap devices.
pub(crate) struct SwapCache {
    pub(crate) pages: u64,
    /// By how many the number may be wrong: each CPU counts up to 125 by itself (`calculate_normal_threshold`
    /// in `mm/vmstat.c`).
    pub(crate) error: u64,
}

/// Counts the pages in the swap cache. In any context.
pub(crate) fn swap_cache() -> SwapCache {
    // SAFETY: no requirements.
    let pages = unsafe { bindings::vswap_swap_cache_pages() };
    SwapCache {
        pages,
        error: u64::from(cpu::possible()).saturating_mul(125),
    }
}

/// A slab cache, for objects of one size that are freed under RCU.
///
/// # Invariants
///
/// The pointer is to a cache.
pub(super) struct ObjectCache(NonNull<kernel::bindings::kmem_cache>);

// SAFETY: a slab cache may be used from any thread, and hands out pointers only.
unsafe impl Send for ObjectCache {}
// SAFETY: as above.
unsafe impl Sync for ObjectCache {}

impl ObjectCache {
    /// Creates the cache; `name` is what `/proc/slabinfo` shows. `None`: no memory. May sleep.
    pub(super) fn new(name: &'static CStr, size: usize) -> Option<Self> {
        let size = u32::try_from(size).ok()?;
        // SAFETY: the name lives for ever.
        let cache = unsafe { bindings::vswap_object_cache(name.as_char_ptr(), size) };
        // INVARIANT: just made.
        NonNull::new(cache).map(Self)
    }

    /// Memory for an object, without waiting for it, or `None`. It is the caller's, and is
    /// freed with `kfree`.
    pub(super) fn alloc(&self) -> Option<NonNull<c_void>> {
        // SAFETY: the cache is valid by the invariant.
        NonNull::new(unsafe { bindings::vswap_object_alloc(self.0.as_ptr()) })
    }
}

impl Drop for ObjectCache {
    fn drop(&mut self) {
        rcu::barrier();
        // SAFETY: the cache is valid by the invariant. Its users have freed all objects, or
        // asked RCU to, which has done so by now.
        unsafe { kernel::bindings::kmem_cache_destroy(self.0.as_ptr()) }
    }
}

/// A page's bytes.
#[inline]
pub(crate) fn bytes_of(page: &Page) -> &[u8; PAGE_SIZE] {
    // SAFETY: the words are as many bytes, and any byte is valid.
    unsafe { &*ptr::from_ref(page).cast() }
}

/// A page of the direct map.
///
/// # Invariants
///
/// The pointer is to an initialized page, owned by this value.
pub(crate) struct OwnedPage(NonNull<Page>);

// SAFETY: a page is plain memory, which this value owns.
unsafe impl Send for OwnedPage {}
// SAFETY: through a shared reference it is only read.
unsafe impl Sync for OwnedPage {}

impl OwnedPage {
    /// A zeroed page. `None`: no memory. May sleep, and reclaim memory.
    pub(crate) fn wait() -> Option<Self> {
        // SAFETY: no requirements.
        let page = unsafe { bindings::vswap_buffer_page() };
        // INVARIANT: just allocated, and kept by nobody else.
        NonNull::new(page.cast()).map(Self)
    }
}

impl Drop for OwnedPage {
    fn drop(&mut self) {
        // SAFETY: the page is this value's by the invariant, and goes with it. The address of a
        // page is no more than its number.
        unsafe { kernel::bindings::free_pages(self.0.as_ptr() as usize, 0) }
    }
}

/// Memory for a table: a page, or a part of one where pages are larger.
///
/// # Invariants
///
/// The pointer is to initialized memory of a table's size and alignment, owned by this value.
pub(crate) struct OwnedTable(NonNull<Table>);

const _: () = assert!(size_of::<Table>() == bindings::VSWAP_TABLE_BYTES);

// SAFETY: a table is plain memory, which this value owns.
unsafe impl Send for OwnedTable {}

impl OwnedTable {
    /// An empty table. `None`: no memory. May sleep, and reclaim memory.
    pub(crate) fn wait() -> Option<Self> {
        // SAFETY: no requirements.
        let table = unsafe { bindings::vswap_table_wait() };
        // INVARIANT: just allocated, and kept by nobody else. Zeroed memory is a table.
        NonNull::new(table.cast()).map(Self)
    }
}

impl Drop for OwnedTable {
    fn drop(&mut self) {
        // SAFETY: the memory is this value's by the invariant, and goes with it.
        unsafe { bindings::vswap_table_free(self.0.as_ptr().cast()) }
    }
}

impl platform::TableMemory for OwnedTable {
    fn new() -> Option<Self> {
        // SAFETY: no requirements.
        let table = unsafe { bindings::vswap_table_new() };
        // INVARIANT: as in `wait`.
        NonNull::new(table.cast()).map(Self)
    }

    #[inline]
    fn into_address(self) -> usize {
        ManuallyDrop::new(self).0.as_ptr().expose_provenance()
    }

    #[inline]
    fn from_address(address: usize) -> Self {
        let table = ptr::with_exposed_provenance_mut(address);
        // INVARIANT: as the trait requires, a table that was given away.
        // SAFETY: its address is not 0.
        Self(unsafe { NonNull::new_unchecked(table) })
    }

    #[inline(always)]
    fn with<R>(address: usize, then: impl FnOnce(&Table) -> R) -> R {
        // SAFETY: as the trait requires, it is the address of a table that was given away, and the
        // index frees it only when its readers are done. Anybody may read one.
        then(unsafe { &*ptr::with_exposed_provenance::<Table>(address) })
    }
}

/// Pages that a transfer can use.
///
/// # Safety
///
/// The pages stay where they are, and nobody else uses them, as long as the value lives, even if it
/// is moved.
pub(super) unsafe trait Pages {
    /// A page's address, or `None` if there are fewer pages.
    fn pointer(&self, index: usize) -> Option<NonNull<Page>>;
}

/// Pages to move data through: each of them aligned and in the direct map, so that a device can
/// read and write it. They are not contiguous.
#[derive(Default)]
pub(crate) struct Buffer(KVec<OwnedPage>);

impl Buffer {
    /// `pages` zeroed pages. May sleep. `ENOMEM`: no memory.
    pub(crate) fn new(pages: usize) -> Result<Self> {
        let mut buffer = KVec::with_capacity(pages, GFP_KERNEL)?;
        for _ in 0..pages {
            buffer.push(OwnedPage::wait().ok_or(ENOMEM)?, GFP_KERNEL)?;
        }
        Ok(Self(buffer))
    }

    /// A page, or `None` if there are fewer.
    #[inline]
    pub(crate) fn page(&self, index: usize) -> Option<&Page> {
        // SAFETY: the page is initialized by the invariant, and borrowed as `self` is.
        self.0.get(index).map(|page| unsafe { page.0.as_ref() })
    }

    /// A page to modify, or `None` if there are fewer.
    #[inline]
    pub(crate) fn page_mut(&mut self, index: usize) -> Option<&mut Page> {
        let page = self.0.get_mut(index)?;
        // SAFETY: the page is initialized by the invariant, and borrowed as `self` is.
        Some(unsafe { page.0.as_mut() })
    }
}

// SAFETY: the buffer owns its pages, each an allocation of its own.
unsafe impl Pages for Buffer {
    #[inline]
    fn pointer(&self, index: usize) -> Option<NonNull<Page>> {
        self.0.get(index).map(|page| page.0)
    }
}

/// A page's bytes, to modify.
#[inline]
pub(crate) fn bytes_of_mut(page: &mut Page) -> &mut [u8; PAGE_SIZE] {
    // SAFETY: as in `bytes_of`.
    unsafe { &mut *ptr::from_mut(page).cast() }
}

/// `count` default values. May sleep.
pub(crate) fn defaults<T: Default>(count: usize) -> Result<KVVec<T>> {
    let mut values = KVVec::with_capacity(count, GFP_KERNEL)?;
    for _ in 0..count {
        values.push(T::default(), GFP_KERNEL)?;
    }
    Ok(values)
}

/// Copies a page's bytes, as the kernel copies pages. `EIO`: the lengths differ.
#[inline]
pub(crate) fn copy_page(from: &[u8], to: &mut Page) -> Result {
    let from: &[u8; PAGE_SIZE] = from.try_into().map_err(|_| EIO)?;
    // SAFETY: both are a page long, and don't overlap, as one is borrowed to be changed.
    unsafe { bindings::vswap_copy_page(to.as_mut_ptr().cast(), from.as_ptr().cast_mut().cast()) }
    Ok(())
}
