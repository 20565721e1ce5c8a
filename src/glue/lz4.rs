// SPDX-License-Identifier: GPL-2.0-only

//! LZ4.
//!
//! C header: `include/linux/lz4.h`

use super::bindings;
use crate::engine::page::{Page, PAGE_SIZE};
use kernel::prelude::*;

/// A page's bytes, in LZ4's type.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "a page has 4 or 16 KiB"
)]
const PAGE_LENGTH: i32 = PAGE_SIZE as i32;

/// The scratch memory of one compression at a time.
pub(crate) struct Lz4(KVVec<u8>);

impl Lz4 {
    /// Allocates the scratch memory. May sleep.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self(KVVec::from_elem(
            0,
            bindings::VSWAP_LZ4_WORKSPACE,
            GFP_KERNEL,
        )?))
    }

    /// Compresses a page into `to`. Returns the length, or `None` if there is not enough room.
    #[inline]
    pub(crate) fn compress(&mut self, page: &Page, to: &mut [u8]) -> Option<usize> {
        let room = i32::try_from(to.len()).ok()?;
        // SAFETY: source and room have the given lengths, and the scratch memory is as large as
        // LZ4 requires.
        let length = unsafe {
            bindings::LZ4_compress_default(
                page.as_ptr().cast(),
                to.as_mut_ptr().cast(),
                PAGE_LENGTH,
                room,
                self.0.as_mut_ptr().cast(),
            )
        };
        usize::try_from(length).ok().filter(|length| *length > 0)
    }
}

/// Decompresses `from`, which must yield exactly a page. `EIO`: it does not.
#[inline]
pub(crate) fn decompress(from: &[u8], page: &mut Page) -> Result {
    let length = i32::try_from(from.len())?;
    // SAFETY: both have the given lengths. LZ4 checks every step against both bounds.
    let got = unsafe {
        bindings::LZ4_decompress_safe(
            from.as_ptr().cast(),
            page.as_mut_ptr().cast(),
            length,
            PAGE_LENGTH,
        )
    };
    if got == PAGE_LENGTH {
        Ok(())
    } else {
        Err(EIO)
    }
}
