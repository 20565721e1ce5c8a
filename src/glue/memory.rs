// SPDX-License-Identifier: GPL-2.0-only

//! Memory: what the machine has, and pages and objects for the swap-out path.
//!
//! C headers: `include/linux/gfp.h`, `include/linux/slab.h`

use super::bindings;
use super::rcu;
use crate::engine::page::{Page, PAGE_SIZE};
use core::marker::PhantomData;
use core::ptr::NonNull;
use kernel::bindings::callback_head;
use kernel::ffi::c_void;
use kernel::prelude::*;

/// The machine's RAM in bytes, as far as the kernel hands it out.
pub(crate) fn total_ram() -> u64 {
    // SAFETY: no requirements.
    unsafe { bindings::vswap_total_ram() }
}

/// What of it could be had now in bytes, without swapping, as the kernel estimates it.
pub(crate) fn available_ram() -> u64 {
    // SAFETY: no requirements.
    unsafe { bindings::vswap_available_ram() }
}

/// A zeroed page, without waiting for one, or `None`.
pub(super) fn zeroed_page() -> Option<NonNull<c_void>> {
    // SAFETY: no requirements.
    NonNull::new(unsafe { bindings::vswap_zeroed_page() })
}

/// A zeroed page, or `None`. May sleep, and reclaim memory.
pub(super) fn zeroed_page_wait() -> Option<NonNull<c_void>> {
    // SAFETY: no requirements.
    NonNull::new(unsafe { bindings::vswap_buffer_page() })
}

/// Gives a page back.
///
/// # Safety
///
/// `page` came from [`zeroed_page`] or [`zeroed_page_wait`] and nobody uses it any more.
pub(super) unsafe fn free_page(page: NonNull<c_void>) {
    // SAFETY: as this function requires. The address of a page is no more than its number.
    unsafe { kernel::bindings::free_pages(page.as_ptr() as usize, 0) }
}

/// A type whose objects can live in an [`ObjectCache`].
///
/// # Safety
///
/// `HEAD` is where an object has its [`rcu::Head`], in bytes from its start.
pub(super) unsafe trait Cached {
    /// Where the head is.
    const HEAD: usize;

    /// Makes an object in fresh memory, once for all its lives.
    ///
    /// # Safety
    ///
    /// `place` points at memory for a `Self` that nothing else uses.
    unsafe fn construct(place: *mut Self);

    /// Puts an object into the state in which `construct` left it. Does not sleep.
    ///
    /// # Safety
    ///
    /// Nobody uses the object any more.
    unsafe fn end(&self);
}

/// A slab cache in which a freed object stays what it is until a grace period is over: who found
/// it under RCU may still use it.
///
/// Objects are constructed when their memory comes to the cache, not on each allocation.
///
/// # Invariants
///
/// The pointer is to a cache made with `T`'s size and constructor.
pub(super) struct ObjectCache<T> {
    cache: NonNull<kernel::bindings::kmem_cache>,
    _type: PhantomData<T>,
}

// SAFETY: a slab cache may be used from any thread, and hands out pointers only.
unsafe impl<T> Send for ObjectCache<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for ObjectCache<T> {}

impl<T: Cached> ObjectCache<T> {
    /// Makes the cache; `name` is what `/proc/slabinfo` shows. May sleep.
    pub(super) fn new(name: &'static CStr) -> Result<Self> {
        /// # Safety
        ///
        /// Called by the slab allocator, with fresh memory for a `T`.
        unsafe extern "C" fn construct<T: Cached>(place: *mut c_void) {
            // SAFETY: as this function requires.
            unsafe { T::construct(place.cast()) }
        }
        let size = u32::try_from(size_of::<T>())?;
        // SAFETY: the name lives for ever, and the constructor lives as long as the module,
        // which destroys the cache before it goes.
        let cache =
            unsafe { bindings::vswap_object_cache(name.as_char_ptr(), size, Some(construct::<T>)) };
        // INVARIANT: just made so.
        NonNull::new(cache)
            .map(|cache| Self {
                cache,
                _type: PhantomData,
            })
            .ok_or(ENOMEM)
    }

    /// An object, without waiting for memory, or `None`. It is the caller's alone to publish.
    pub(super) fn alloc(&self) -> Option<NonNull<T>> {
        // SAFETY: the cache is valid by the invariant.
        NonNull::new(unsafe { bindings::vswap_object_alloc(self.cache.as_ptr()) }.cast())
    }

    /// Gives an object back when a grace period is over. Does not sleep.
    ///
    /// # Safety
    ///
    /// `object` came from this cache's [`alloc`](Self::alloc), is not published any more, and is
    /// given back once. Readers under RCU may still use it.
    pub(super) unsafe fn free(&self, object: NonNull<T>) {
        /// # Safety
        ///
        /// Called by RCU, with the head of a `T` that nobody uses any more.
        unsafe extern "C" fn freed<T: Cached>(head: *mut callback_head) {
            // SAFETY: by the trait's promise the object begins that much before its head. It
            // came from a slab cache, which `kfree` finds by itself.
            unsafe {
                let object: *mut T = head.byte_sub(T::HEAD).cast();
                (*object).end();
                kernel::bindings::kfree(object.cast());
            }
        }

        // SAFETY: the head is the object's, which stays until it is freed by the call; `drop`
        // waits for that.
        unsafe {
            let head: *const rcu::Head = object.as_ptr().byte_add(T::HEAD).cast();
            (*head).call(freed::<T>);
        }
    }
}

impl<T> Drop for ObjectCache<T> {
    fn drop(&mut self) {
        rcu::barrier();
        // SAFETY: the cache is valid by the invariant. Its users have given back all objects,
        // and all of them are freed by now.
        unsafe { kernel::bindings::kmem_cache_destroy(self.cache.as_ptr()) }
    }
}

/// A page's bytes.
#[inline]
pub(crate) fn bytes_of(page: &Page) -> &[u8; PAGE_SIZE] {
    // SAFETY: the words are as many bytes, and any byte is valid.
    unsafe { &*core::ptr::from_ref(page).cast() }
}

/// A page of the direct map.
///
/// # Invariants
///
/// The pointer is to an initialized page, owned by this value.
struct OwnedPage(NonNull<Page>);

// SAFETY: a page is plain memory, which this value owns.
unsafe impl Send for OwnedPage {}
// SAFETY: through a shared reference it is only read.
unsafe impl Sync for OwnedPage {}

impl OwnedPage {
    /// A zeroed page. May sleep.
    fn new() -> Result<Self> {
        // SAFETY: no requirements.
        let page = unsafe { bindings::vswap_buffer_page() };
        // INVARIANT: just allocated, and kept by nobody else.
        NonNull::new(page.cast()).map(Self).ok_or(ENOMEM)
    }
}

impl Drop for OwnedPage {
    fn drop(&mut self) {
        // SAFETY: the page is this value's by the invariant, and goes with it. The address of a
        // page is no more than its number.
        unsafe { kernel::bindings::free_pages(self.0.as_ptr() as usize, 0) }
    }
}

/// Pages to move data through: each of them aligned and in the direct map, so that a device can
/// read and write it. They are not next to each other.
#[derive(Default)]
pub(crate) struct Buffer(KVec<OwnedPage>);

impl Buffer {
    /// So many zeroed pages. May sleep. `ENOMEM`: there is no memory for them.
    pub(crate) fn new(pages: usize) -> Result<Self> {
        let mut buffer = KVec::with_capacity(pages, GFP_KERNEL)?;
        for _ in 0..pages {
            buffer.push(OwnedPage::new()?, GFP_KERNEL)?;
        }
        Ok(Self(buffer))
    }

    /// A page, or `None` if there are not so many.
    #[inline]
    pub(crate) fn page(&self, index: usize) -> Option<&Page> {
        // SAFETY: the page is initialized by the invariant, and borrowed as `self` is.
        self.0.get(index).map(|page| unsafe { page.0.as_ref() })
    }

    /// Where a page is, or `None` if there are not so many.
    #[inline]
    pub(super) fn pointer(&self, index: usize) -> Option<NonNull<Page>> {
        self.0.get(index).map(|page| page.0)
    }

    /// A page to be changed, or `None` if there are not so many.
    #[inline]
    pub(crate) fn page_mut(&mut self, index: usize) -> Option<&mut Page> {
        let page = self.0.get_mut(index)?;
        // SAFETY: the page is initialized by the invariant, and borrowed as `self` is.
        Some(unsafe { page.0.as_mut() })
    }
}

/// A page's bytes, to be changed.
#[inline]
pub(crate) fn bytes_of_mut(page: &mut Page) -> &mut [u8; PAGE_SIZE] {
    // SAFETY: as in `bytes_of`.
    unsafe { &mut *core::ptr::from_mut(page).cast() }
}

/// So many default values. May sleep.
pub(crate) fn defaults<T: Default>(count: usize) -> Result<KVVec<T>> {
    let mut values = KVVec::with_capacity(count, GFP_KERNEL)?;
    for _ in 0..count {
        values.push(T::default(), GFP_KERNEL)?;
    }
    Ok(values)
}

/// Copies a page's bytes, as the kernel copies pages. `EIO`: they are not as many.
#[inline]
pub(crate) fn copy_page(from: &[u8], to: &mut Page) -> Result {
    let from: &[u8; PAGE_SIZE] = from.try_into().map_err(|_| EIO)?;
    // SAFETY: both are a page long, and don't overlap, as one is borrowed to be changed.
    unsafe { bindings::vswap_copy_page(to.as_mut_ptr().cast(), from.as_ptr().cast_mut().cast()) }
    Ok(())
}
