// SPDX-License-Identifier: GPL-2.0-only

//! Encryption of the pages on a disk, with a key that exists nowhere else.
//!
//! AES-256 in XTS mode (IEEE 1619), a page being one data unit and its slot the tweak. From
//! several versions of a page an observer of the disk learns which of its blocks of 16 bytes
//! have changed, and no more.
//!
//! The crypto API does it, with the CPU's instructions where available.
//!
//! C headers: `include/crypto/skcipher.h`, `include/linux/mempool.h`

use super::bindings;
use crate::engine::page::Page;
use crate::engine::slot::PhysicalSlot;
use core::ptr::NonNull;
use kernel::error::from_err_ptr;
use kernel::prelude::*;

/// Bounce pages that are available when there is no memory: 256 KiB.
const BOUNCES: u32 = 64;

/// A key, and the bounce pages that are written instead of the plain ones.
///
/// # Invariants
///
/// The pointer is to a cipher with a key, owned by this value.
pub(crate) struct Cipher(NonNull<bindings::vswap_cipher>);

// SAFETY: the key is only read, and the reserve may be used from any thread.
unsafe impl Send for Cipher {}
// SAFETY: as above.
unsafe impl Sync for Cipher {}

impl Cipher {
    /// A cipher with a random key. May sleep, until the kernel's random numbers are ready.
    ///
    /// `EOPNOTSUPP`: the kernel has no AES-XTS. `EINTR`: a signal came. `ENOMEM`.
    pub(crate) fn new() -> Result<Self> {
        // SAFETY: no requirements.
        let cipher = from_err_ptr(unsafe { bindings::vswap_cipher_new(BOUNCES) })?;
        // INVARIANT: just made so.
        NonNull::new(cipher).map(Self).ok_or(ENOMEM)
    }

    /// A page to encrypt into, which is the caller's until it [frees it](Self::give_back).
    /// Does not sleep. `None`: none is available.
    #[inline]
    pub(super) fn bounce(&self) -> Option<NonNull<Page>> {
        // SAFETY: the reserve is one by the invariant.
        NonNull::new(unsafe { bindings::vswap_bounce_alloc(self.0.as_ptr(), false).cast() })
    }

    /// As [`bounce`](Self::bounce), but waits for pages under way. May
    /// sleep; a caller that has others that are not under way may wait for ever.
    pub(super) fn wait_for_bounce(&self) -> NonNull<Page> {
        // SAFETY: the reserve is one by the invariant, and waits until there is a page.
        unsafe {
            let page = bindings::vswap_bounce_alloc(self.0.as_ptr(), true);
            NonNull::new_unchecked(page.cast())
        }
    }

    /// Frees a page. In any context.
    ///
    /// # Safety
    ///
    /// It came from this cipher, and nobody uses it any more.
    pub(super) unsafe fn give_back(&self, page: NonNull<Page>) {
        // SAFETY: as this function requires.
        unsafe { bindings::vswap_bounce_free(self.0.as_ptr(), page.as_ptr().cast()) }
    }

    /// Encrypts a page that goes to a slot into another page. Not in hard interrupts. Says whether
    /// that worked; if not, `to` holds nothing useful.
    ///
    /// # Safety
    ///
    /// Nobody writes to the page meanwhile, and `to` is the caller's.
    #[must_use]
    pub(super) unsafe fn encrypt(
        &self,
        slot: PhysicalSlot,
        page: NonNull<Page>,
        to: NonNull<Page>,
    ) -> bool {
        // SAFETY: as this function requires; the cipher is one by the invariant.
        unsafe {
            let (cipher, number) = (self.0.as_ptr(), slot.number());
            bindings::vswap_encrypt(cipher, number, page.as_ptr().cast(), to.as_ptr().cast())
        }
    }

    /// Decrypts a page that came from a slot. Not in hard interrupts. Says whether that worked.
    ///
    /// # Safety
    ///
    /// The page is the caller's.
    #[must_use]
    pub(super) unsafe fn decrypt(&self, slot: PhysicalSlot, page: NonNull<Page>) -> bool {
        // SAFETY: as this function requires; the cipher is one by the invariant.
        unsafe { bindings::vswap_decrypt(self.0.as_ptr(), slot.number(), page.as_ptr().cast()) }
    }
}

impl Drop for Cipher {
    fn drop(&mut self) {
        // SAFETY: it is this value's by the invariant, and all pages are back: the disk,
        // which has this, stays until its bios have ended.
        unsafe { bindings::vswap_cipher_free(self.0.as_ptr()) }
    }
}
