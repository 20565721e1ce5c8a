// SPDX-License-Identifier: GPL-2.0-only

//! Pages that repeat a word, with some exceptions, beside a look at every word.

use vswap_engine::page::{Page, PAGE_WORDS};
use vswap_engine::same::repeated_word;

/// Runs an input: a word that the page repeats, and changes of some words.
pub fn run(data: &[u8]) {
    let Some((word, changes)) = crate::read::<u64, (u16, u64)>(data) else {
        return;
    };
    let mut page: Page = [word; PAGE_WORDS];
    look(&page);
    for (index, bits) in changes {
        page[usize::from(index) % PAGE_WORDS] ^= bits;
        look(&page);
    }
}

fn look(page: &Page) {
    let is_same = page.iter().all(|word| *word == page[0]);
    assert_eq!(repeated_word(page), is_same.then_some(page[0]));
}
