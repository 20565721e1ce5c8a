// SPDX-License-Identifier: GPL-2.0-only

//! What a page is here: one of the kernel's, as words of 8 bytes.

/// Bytes in a page. 4 KiB, unless the kernel has others.
pub const PAGE_SIZE: usize = if cfg!(CONFIG_ARM64_16K_PAGES) {
    16384
} else {
    4096
};

/// Words of 8 bytes in a page.
pub const PAGE_WORDS: usize = PAGE_SIZE / size_of::<u64>();

/// The contents of a page, as the words that [`super::same`] looks at.
pub type Page = [u64; PAGE_WORDS];
