// SPDX-License-Identifier: GPL-2.0-only

//! The kernel's allocator for compressed pages.
//!
//! C header: `include/linux/zsmalloc.h`

use super::bindings;
use crate::engine::codec::Codec;
use crate::engine::entry::{Handle, Length, Object};
use crate::engine::held::{HeldObject, Owned};
use crate::engine::page::PAGE_SIZE;
use core::ptr::NonNull;
use kernel::prelude::*;

/// Handles are addresses of 8-byte objects in slab memory, so an entry holds an eighth of the
/// distance from the beginning of the direct map.
const HANDLE_SHIFT: u32 = 3;

const PAGE_BYTES: u64 = PAGE_SIZE as u64;

/// The most bytes by which a pool grows for an object: a zspage of this kernel's longest chain of
/// pages.
pub(crate) const LARGEST_ZSPAGE: u64 = bindings::VSWAP_ZSPAGE_PAGES as u64 * PAGE_BYTES;

/// The length of the object whose handle is checked.
const CHECKED_BYTES: usize = 64;

/// A pool of objects of up to a page each. The pages it takes are movable.
///
/// # Invariants
///
/// `pool` is a valid pool, owned by this value.
pub(crate) struct Pool {
    pool: NonNull<bindings::zs_pool>,
    base: usize,
    huge: usize,
}

// SAFETY: a pool has its own locks and may be used from any thread.
unsafe impl Send for Pool {}
// SAFETY: as above.
unsafe impl Sync for Pool {}

impl Pool {
    /// An empty pool; `name` is what debugfs shows. May sleep.
    ///
    /// `ENOMEM`: no memory. `EOPNOTSUPP`: this kernel's handles do not fit into an entry.
    pub(crate) fn new(name: &CStr) -> Result<Self> {
        // SAFETY: no requirements.
        Self::with_base(name, unsafe { bindings::vswap_direct_map_base() })
    }

    /// As [`new`](Self::new), with handles that are addresses from `base` on.
    pub(super) fn with_base(name: &CStr, base: usize) -> Result<Self> {
        // SAFETY: the name is copied.
        let pool = NonNull::new(unsafe { bindings::zs_create_pool(name.as_char_ptr()) });
        let pool = pool.ok_or(ENOMEM)?;
        // SAFETY: the pool was just made.
        let huge = unsafe { bindings::zs_huge_class_size(pool.as_ptr()) };
        // INVARIANT: just made, and kept by nobody else.
        let pool = Self { pool, base, huge };
        pool.check_handles()?;
        Ok(pool)
    }

    /// Makes an object, to check that its handle fits into an entry: no header of the kernel
    /// defines what a handle is.
    fn check_handles(&self) -> Result {
        // SAFETY: the pool is valid by the invariant.
        let address = unsafe { bindings::vswap_zs_malloc(self.pool.as_ptr(), CHECKED_BYTES) };
        if address == 0 {
            return Err(ENOMEM);
        }
        let handle = self.handle(address);
        // SAFETY: the object was just made and nobody else knows it.
        unsafe { bindings::zs_free(self.pool.as_ptr(), address) };
        if handle.is_some_and(|handle| self.address(handle) == address) {
            return Ok(());
        }
        pr_err!(
            "this kernel's zsmalloc has handles that this vswap does not know; install a newer vswap\n"
        );
        Err(EOPNOTSUPP)
    }

    /// The length in bytes from which on an object takes a whole page, so that compression
    /// would save nothing.
    #[inline]
    pub(crate) fn whole_page_from(&self) -> usize {
        self.huge
    }

    /// Bytes of the pages that the pool takes.
    #[inline]
    pub(crate) fn bytes(&self) -> u64 {
        // SAFETY: the pool is valid by the invariant.
        let pages = unsafe { bindings::zs_get_total_pages(self.pool.as_ptr()) };
        u64::try_from(pages)
            .unwrap_or(u64::MAX)
            .saturating_mul(PAGE_BYTES)
    }

    /// Stores `bytes`, in the format of `codec`, as an object, without waiting for memory.
    ///
    /// `ENOMEM`: no memory.
    pub(crate) fn store(&self, codec: Codec, bytes: &[u8]) -> Result<Owned> {
        let length = Length::new(bytes.len()).ok_or(EINVAL)?;
        // SAFETY: the pool is valid by the invariant.
        let address = unsafe { bindings::vswap_zs_malloc(self.pool.as_ptr(), bytes.len()) };
        if address == 0 {
            return Err(ENOMEM);
        }
        let Some(handle) = self.handle(address) else {
            // A machine with more than 128 TiB. Refusing is better than a wrong entry.
            // SAFETY: the object was just made and nobody else knows it.
            unsafe { bindings::zs_free(self.pool.as_ptr(), address) };
            return Err(ENOMEM);
        };
        // SAFETY: the object was just made with that length; the source is only read.
        unsafe {
            bindings::zs_obj_write(
                self.pool.as_ptr(),
                address,
                bytes.as_ptr().cast_mut().cast(),
                bytes.len(),
            )
        };
        Ok(Owned::ram(Object {
            handle,
            length,
            codec,
        }))
    }

    /// Passes an object's bytes to `read`. Does not sleep, nor may `read`. An object that spans two
    /// pages is assembled in `spare`, which has at least a page.
    ///
    /// `EINVAL`: `spare` is shorter than the object.
    #[inline]
    pub(crate) fn read<R>(
        &self,
        object: &HeldObject<'_>,
        spare: &mut [u8],
        read: impl FnOnce(&[u8]) -> Result<R>,
    ) -> Result<R> {
        let Object { handle, length, .. } = object.object();
        if spare.len() < length.bytes() {
            return Err(EINVAL);
        }
        let (pool, address) = (self.pool.as_ptr(), self.address(handle));
        // SAFETY: the object is held, so it exists, with that length, for which `spare` has
        // room.
        unsafe {
            let start = bindings::zs_obj_read_begin(
                pool,
                address,
                length.bytes(),
                spare.as_mut_ptr().cast(),
            );
            let result = read(core::slice::from_raw_parts(start.cast(), length.bytes()));
            bindings::zs_obj_read_end(pool, address, length.bytes(), start);
            result
        }
    }

    /// Frees an entry's object, if it has one and no mover reads it. Says whether it did.
    /// Does not sleep.
    #[inline]
    pub(crate) fn free(&self, entry: Owned) -> bool {
        if let Some(object) = entry.into_object() {
            // SAFETY: nobody else holds or reads the object, by the invariant of `Owned`, which
            // goes with this; the pool is valid by ours.
            unsafe { bindings::zs_free(self.pool.as_ptr(), self.address(object.handle)) }
            return true;
        }
        false
    }

    /// Compacts the pool, and frees the pages that become empty. May take long.
    pub(crate) fn compact(&self) {
        // SAFETY: the pool is valid by the invariant.
        unsafe { bindings::zs_compact(self.pool.as_ptr()) };
    }

    fn handle(&self, address: usize) -> Option<Handle> {
        let distance = u64::try_from(address.checked_sub(self.base)?).ok()?;
        if distance.trailing_zeros() < HANDLE_SHIFT {
            return None;
        }
        Handle::new(distance >> HANDLE_SHIFT)
    }

    #[allow(
        clippy::cast_possible_truncation,
        reason = "usize has 64 bits; see `cpu`"
    )]
    #[inline]
    fn address(&self, handle: Handle) -> usize {
        // The shift undoes that of `handle`.
        self.base
            .wrapping_add((handle.number() << HANDLE_SHIFT) as usize)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // SAFETY: the pool is valid by the invariant and goes with its owner.
        unsafe { bindings::zs_destroy_pool(self.pool.as_ptr()) }
    }
}
