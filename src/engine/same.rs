// SPDX-License-Identifier: GPL-2.0-only

//! Pages that are one 8-byte word, repeated.

use super::page::{Page, PAGE_WORDS};

/// Words compared between two chances to stop.
const STRIDE: usize = 8;

const _: () = assert!(PAGE_WORDS % STRIDE == 0);

/// The word that `page` repeats, or `None`.
///
/// Most pages repeat no word, and those differ early or in the last word, which is compared first,
/// as the swap core does for zero pages.
pub fn repeated_word(page: &Page) -> Option<u64> {
    let (first, last) = (page[0], page[PAGE_WORDS - 1]);
    if first != last || first != page[PAGE_WORDS / 2] {
        return None;
    }
    for words in page.chunks_exact(STRIDE) {
        if words.iter().fold(0, |seen, word| seen | (word ^ first)) != 0 {
            return None;
        }
    }
    Some(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_repeated_word_is_found(word: u64) {
            prop_assert_eq!(repeated_word(&[word; PAGE_WORDS]), Some(word));
        }

        #[test]
        fn one_bit_anywhere_is_enough_to_differ(word: u64, at in 0..PAGE_WORDS, bit in 0..64) {
            let mut page = [word; PAGE_WORDS];
            page[at] ^= 1u64 << bit;
            prop_assert_eq!(repeated_word(&page), None);
        }
    }
}
