// SPDX-License-Identifier: GPL-2.0-only

//! The pool of compressed pages.

use kernel::macros::kunit_tests;

#[kunit_tests(vswap_zsmalloc)]
mod cases {
    use crate::engine::codec::Codec;
    use crate::engine::entry::Content;
    use crate::engine::held::{HeldContent, Owned};
    use crate::engine::page::PAGE_SIZE;
    use crate::glue::kunit::pool_with_base;
    use crate::glue::zsmalloc::Pool;
    use kernel::prelude::*;

    fn byte(seed: usize, index: usize) -> u8 {
        ((seed.wrapping_mul(31)) ^ index.wrapping_mul(7)) as u8
    }

    fn store(pool: &Pool, length: usize, seed: usize) -> Result<Owned> {
        let mut bytes = KVec::from_elem(0u8, length, GFP_KERNEL)?;
        for (index, place) in bytes.iter_mut().enumerate() {
            *place = byte(seed, index);
        }
        pool.store(Codec::Lz4, &bytes)
    }

    /// Whether an object has the contents stored with that length and seed.
    fn is(
        pool: &Pool,
        entry: &Owned,
        length: usize,
        seed: usize,
        spare: &mut [u8],
    ) -> Result<bool> {
        match entry.held().content() {
            Some(HeldContent::Ram(object)) => pool.read(&object, spare, |bytes| {
                Ok(bytes.len() == length
                    && bytes
                        .iter()
                        .enumerate()
                        .all(|(index, b)| *b == byte(seed, index)))
            }),
            _ => Ok(false),
        }
    }

    #[test]
    fn objects_of_any_length_come_back() -> Result {
        let pool = Pool::new(c"vswap-kunit")?;
        let mut spare = KVec::from_elem(0u8, PAGE_SIZE, GFP_KERNEL)?;
        let huge = pool.whole_page_from();
        ensure!(huge > PAGE_SIZE / 2 && huge <= PAGE_SIZE);
        let lengths = [1, 8, 31, 32, 1000, 2049, 3000, huge - 1, huge, 4095, 4096];
        let mut entries = KVec::new();
        for length in lengths {
            entries.push(store(&pool, length, length)?, GFP_KERNEL)?;
        }
        for (entry, length) in entries.iter().zip(lengths) {
            ensure!(is(&pool, entry, length, length, &mut spare)?);
            match entry.content() {
                Some(Content::Ram(object)) => {
                    ensure_eq!(object.length.bytes(), length);
                    ensure!(object.codec == Codec::Lz4);
                }
                _ => return Err(EINVAL),
            }
        }
        for entry in entries.drain_all() {
            pool.free(entry);
        }
        ensure_eq!(pool.bytes(), 0);
        Ok(())
    }

    #[test]
    fn impossible_lengths_are_refused() -> Result {
        let pool = Pool::new(c"vswap-kunit")?;
        ensure_eq!(store(&pool, 0, 1).map(drop), Err(EINVAL));
        ensure_eq!(store(&pool, PAGE_SIZE + 1, 1).map(drop), Err(EINVAL));
        ensure_eq!(pool.bytes(), 0);
        // Nor is an object read into a buffer that is too small.
        let entry = store(&pool, 100, 1)?;
        let mut spare = [0; 99];
        ensure_eq!(is(&pool, &entry, 100, 1, &mut spare), Err(EINVAL));
        pool.free(entry);
        ensure_eq!(pool.bytes(), 0);
        Ok(())
    }

    #[test]
    fn handles_that_fit_into_no_entry_are_refused() -> Result {
        // As if this kernel's handles were addresses from elsewhere, or no addresses.
        for base in [0, 4, usize::MAX, usize::MAX - 1, isize::MAX as usize] {
            ensure_eq!(pool_with_base(base).map(drop), Err(EOPNOTSUPP));
        }
        Ok(())
    }

    #[test]
    fn freeing_what_is_no_object_frees_nothing() -> Result {
        let pool = Pool::new(c"vswap-kunit")?;
        let entry = store(&pool, 500, 1)?;
        let bytes = pool.bytes();
        pool.free(Owned::EMPTY);
        pool.free(Owned::LOST);
        pool.free(Owned::same(1).ok_or(EINVAL)?);
        ensure_eq!(pool.bytes(), bytes);
        let mut spare = KVec::from_elem(0u8, PAGE_SIZE, GFP_KERNEL)?;
        ensure!(is(&pool, &entry, 500, 1, &mut spare)?);
        pool.free(entry);
        ensure_eq!(pool.bytes(), 0);
        Ok(())
    }

    #[test]
    fn compacting_moves_objects_and_keeps_them() -> Result {
        const LENGTH: usize = 700;
        let pool = Pool::new(c"vswap-kunit")?;
        let mut spare = KVec::from_elem(0u8, PAGE_SIZE, GFP_KERNEL)?;
        let mut kept = KVec::new();
        let mut others = KVec::new();
        for seed in 0..2000 {
            let entry = store(&pool, LENGTH, seed)?;
            if seed % 8 == 0 {
                kept.push((seed, entry), GFP_KERNEL)?;
            } else {
                others.push(entry, GFP_KERNEL)?;
            }
        }
        for entry in others.drain_all() {
            pool.free(entry);
        }
        let before = pool.bytes();
        pool.compact();
        let after = pool.bytes();
        ensure!(after <= before / 2);
        ensure!(after >= (kept.len() * LENGTH) as u64);
        for (seed, entry) in &kept {
            ensure!(is(&pool, entry, LENGTH, *seed, &mut spare)?);
        }
        for (_, entry) in kept.drain_all() {
            pool.free(entry);
        }
        ensure_eq!(pool.bytes(), 0);
        Ok(())
    }
}
