// SPDX-License-Identifier: GPL-2.0-only

//! Encryption of the pages on a disk, with a key that is nowhere else.
//!
//! AES-256 in XTS mode (IEEE 1619), a page being one data unit and its slot the tweak. Of a page
//! of which the disk's owner sees several versions he can tell which of its blocks of 16 bytes
//! have changed, and no more.
//!
//! C headers: `include/crypto/aes-xts.h`, `include/linux/mempool.h`

use super::bindings;
use crate::engine::page::Page;
use crate::engine::slot::PhysicalSlot;
use core::ptr::NonNull;
use kernel::error::from_err_ptr;
use kernel::prelude::*;

/// Bounce pages that are at hand when there is no memory: 256 KiB.
const BOUNCES: u32 = 64;

/// A key, and the pages that are sent in others' stead.
///
/// # Invariants
///
/// `key` is a prepared key and `bounces` a reserve of pages, both owned by this value.
pub(crate) struct Cipher {
    key: NonNull<bindings::aes_xts_key>,
    bounces: NonNull<bindings::vswap_bounces>,
}

// SAFETY: the key is only read, and the reserve may be used from any thread.
unsafe impl Send for Cipher {}
// SAFETY: as above.
unsafe impl Sync for Cipher {}

impl Cipher {
    /// A cipher with a key of random numbers. May sleep, until the kernel has such numbers.
    ///
    /// `EOPNOTSUPP`: the kernel has no AES-XTS. `EINTR`: a signal came. `ENOMEM`.
    pub(crate) fn new() -> Result<Self> {
        // SAFETY: no requirements.
        let key = from_err_ptr(unsafe { bindings::vswap_cipher_new() })?;
        // SAFETY: no requirements.
        let bounces = unsafe { bindings::vswap_bounces_new(BOUNCES) };
        match (NonNull::new(key), NonNull::new(bounces)) {
            // INVARIANT: just made so.
            (Some(key), Some(bounces)) => Ok(Self { key, bounces }),
            _ => {
                // SAFETY: the key was just made, and nobody has it.
                unsafe { bindings::vswap_cipher_free(key) };
                Err(ENOMEM)
            }
        }
    }

    /// A page to encrypt into, which is the caller's until he [gives it back](Self::give_back).
    /// Does not sleep. `None`: none is at hand.
    #[inline]
    pub(super) fn bounce(&self) -> Option<NonNull<Page>> {
        // SAFETY: the reserve is one by the invariant.
        NonNull::new(unsafe { bindings::vswap_bounce_alloc(self.bounces.as_ptr(), false).cast() })
    }

    /// As [`bounce`](Self::bounce), waiting for pages that are under way to come back. May
    /// sleep; who has others that are not under way may wait for ever.
    pub(super) fn wait_for_bounce(&self) -> NonNull<Page> {
        // SAFETY: the reserve is one by the invariant, and waits until there is a page.
        unsafe {
            let page = bindings::vswap_bounce_alloc(self.bounces.as_ptr(), true);
            NonNull::new_unchecked(page.cast())
        }
    }

    /// Gives a page back. In any context.
    ///
    /// # Safety
    ///
    /// It came from here, and nobody uses it any more.
    pub(super) unsafe fn give_back(&self, page: NonNull<Page>) {
        // SAFETY: as this function requires.
        unsafe { bindings::vswap_bounce_free(self.bounces.as_ptr(), page.as_ptr().cast()) }
    }

    /// Encrypts a page that goes to a slot into another one. In any context.
    ///
    /// # Safety
    ///
    /// Nobody writes to the page meanwhile, and `to` is the caller's.
    pub(super) unsafe fn encrypt(
        &self,
        slot: PhysicalSlot,
        page: NonNull<Page>,
        to: NonNull<Page>,
    ) {
        // SAFETY: as this function requires; the key is one by the invariant.
        unsafe {
            let (key, number) = (self.key.as_ptr(), slot.number());
            bindings::vswap_encrypt(key, number, page.as_ptr().cast(), to.as_ptr().cast());
        }
    }

    /// Decrypts a page that came from a slot. In any context.
    ///
    /// # Safety
    ///
    /// The page is the caller's.
    pub(super) unsafe fn decrypt(&self, slot: PhysicalSlot, page: NonNull<Page>) {
        // SAFETY: as this function requires; the key is one by the invariant.
        unsafe {
            bindings::vswap_decrypt(self.key.as_ptr(), slot.number(), page.as_ptr().cast());
        }
    }
}

impl Drop for Cipher {
    fn drop(&mut self) {
        // SAFETY: both are this value's by the invariant, and all pages are back: the disk, which
        // has this, stays until its bios have ended. The key's memory is overwritten.
        unsafe {
            bindings::vswap_bounces_free(self.bounces.as_ptr());
            bindings::vswap_cipher_free(self.key.as_ptr());
        }
    }
}
