// SPDX-License-Identifier: GPL-2.0-only

//! What a page is here: 512 words of 8 bytes.

/// Bytes in a page.
pub const PAGE_SIZE: usize = 4096;

/// Words of 8 bytes in a page.
pub const PAGE_WORDS: usize = PAGE_SIZE / size_of::<u64>();

/// The contents of a page, as the words that [`super::same`] looks at.
pub type Page = [u64; PAGE_WORDS];
