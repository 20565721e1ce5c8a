// SPDX-License-Identifier: GPL-2.0-only

//! zstd, at its default level.
//!
//! C header: `include/linux/zstd.h`

use super::bindings;
use crate::engine::page::{Page, PAGE_SIZE};
use core::ptr::NonNull;
use kernel::prelude::*;

/// Contexts to compress and decompress one page at a time.
///
/// # Invariants
///
/// `compressor` and `decompressor` lie in the two workspaces, and go with them.
pub(crate) struct Zstd {
    parameters: bindings::zstd_parameters,
    compressor: NonNull<bindings::zstd_cctx>,
    decompressor: NonNull<bindings::zstd_dctx>,
    _workspaces: [KVVec<u64>; 2],
}

// SAFETY: the contexts are plain memory that this value owns.
unsafe impl Send for Zstd {}

impl Zstd {
    /// Allocates the contexts. May sleep.
    pub(crate) fn new() -> Result<Self> {
        // SAFETY: no requirements.
        let parameters =
            unsafe { bindings::zstd_get_params(bindings::zstd_default_clevel(), PAGE_SIZE as u64) };
        // SAFETY: the parameters are valid ones.
        let compressor_size = unsafe { bindings::zstd_cctx_workspace_bound(&parameters.cParams) };
        // SAFETY: no requirements.
        let decompressor_size = unsafe { bindings::zstd_dctx_workspace_bound() };
        let mut workspaces = [workspace(compressor_size)?, workspace(decompressor_size)?];
        let [for_compressor, for_decompressor] = &mut workspaces;
        // SAFETY: the workspace has the given size, is aligned to 8 bytes, and is moved only
        // as the owner of its memory, which stays where it is.
        let compressor = unsafe {
            bindings::zstd_init_cctx(for_compressor.as_mut_ptr().cast(), compressor_size)
        };
        // SAFETY: as above.
        let decompressor = unsafe {
            bindings::zstd_init_dctx(for_decompressor.as_mut_ptr().cast(), decompressor_size)
        };
        // INVARIANT: just made so.
        Ok(Self {
            parameters,
            compressor: NonNull::new(compressor).ok_or(ENOMEM)?,
            decompressor: NonNull::new(decompressor).ok_or(ENOMEM)?,
            _workspaces: workspaces,
        })
    }

    /// Compresses a page into `to`. Returns the length, or `None` if there is not enough room.
    pub(crate) fn compress(&mut self, page: &Page, to: &mut [u8]) -> Option<usize> {
        // SAFETY: source and room have the given lengths; the context is valid by the invariant.
        let length = unsafe {
            bindings::zstd_compress_cctx(
                self.compressor.as_ptr(),
                to.as_mut_ptr().cast(),
                to.len(),
                page.as_ptr().cast(),
                PAGE_SIZE,
                &self.parameters,
            )
        };
        (!is_error(length)).then_some(length)
    }

    /// Decompresses `from`, which must yield exactly a page. `EIO`: it does not.
    pub(crate) fn decompress(&mut self, from: &[u8], page: &mut Page) -> Result {
        // SAFETY: both have the given lengths; the context is valid by the invariant.
        let length = unsafe {
            bindings::zstd_decompress_dctx(
                self.decompressor.as_ptr(),
                page.as_mut_ptr().cast(),
                PAGE_SIZE,
                from.as_ptr().cast(),
                from.len(),
            )
        };
        if !is_error(length) && length == PAGE_SIZE {
            Ok(())
        } else {
            Err(EIO)
        }
    }
}

fn is_error(length: usize) -> bool {
    // SAFETY: no requirements.
    unsafe { bindings::zstd_is_error(length) != 0 }
}

fn workspace(bytes: usize) -> Result<KVVec<u64>> {
    Ok(KVVec::from_elem(
        0,
        bytes.div_ceil(size_of::<u64>()),
        GFP_KERNEL,
    )?)
}
