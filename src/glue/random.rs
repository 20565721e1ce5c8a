// SPDX-License-Identifier: GPL-2.0-only

//! Random numbers.
//!
//! C header: `include/linux/random.h`

use kernel::bindings;

/// 128 random bits, which are not secret: soon after boot they may be predictable.
pub(crate) fn bits() -> u128 {
    let mut bytes = [0u8; 16];
    // SAFETY: `bytes` outlives the call and has that many bytes.
    unsafe { bindings::get_random_bytes(bytes.as_mut_ptr().cast(), bytes.len()) };
    u128::from_ne_bytes(bytes)
}
