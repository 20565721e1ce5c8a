// SPDX-License-Identifier: GPL-2.0-only

//! The ram tier: pages as compressed objects in a pool of limited size.

use crate::contexts::Context;
use crate::engine::codec::{Algorithm, Codec};
use crate::engine::config::RamLimit;
use crate::engine::page::Page;
use crate::glue::held::{HeldObject, Owned};
use crate::glue::memory;
use crate::glue::zsmalloc::Pool;
use core::sync::atomic::{AtomicU64, Ordering};
use kernel::prelude::*;

/// The tier.
pub(crate) struct Ram {
    pool: Pool,
    limit: AtomicU64,
    algorithm: AtomicU64,
}

impl Ram {
    /// An empty tier that may take `limit`. May sleep.
    pub(crate) fn new(limit: RamLimit) -> Result<Self> {
        Ok(Self {
            pool: Pool::new(c"vswap")?,
            limit: AtomicU64::new(limit.bytes()),
            algorithm: AtomicU64::new(Algorithm::Lz4.to_bits()),
        })
    }

    /// Stores a page, compressed or, when that saves nothing, as it is. Does not sleep.
    ///
    /// `ENOSPC`: the limit is reached. `ENOMEM`: there is no memory.
    #[inline]
    pub(crate) fn store(&self, page: &Page, context: &mut Context) -> Result<Owned> {
        let algorithm = self.algorithm();
        let entry = match context.compress(algorithm, page, self.pool.whole_page_from()) {
            Some(bytes) => self.pool.store(algorithm.codec(), bytes)?,
            None => self.pool.store(Codec::Raw, memory::bytes_of(page))?,
        };
        self.within_limit(entry)
    }

    /// Stores a page that is one word, repeated. Does not sleep. The errors are those of
    /// [`store`](Self::store).
    #[inline]
    pub(crate) fn store_word(&self, word: u64) -> Result<Owned> {
        self.within_limit(self.pool.store(Codec::Word, &word.to_ne_bytes())?)
    }

    /// Undoes a store that took the pool above the limit.
    #[inline]
    fn within_limit(&self, entry: Owned) -> Result<Owned> {
        if self.pool.bytes() > self.limit() {
            self.free(entry);
            return Err(ENOSPC);
        }
        Ok(entry)
    }

    /// Reads a page back. Does not sleep. `EIO`: the object is damaged.
    #[inline]
    pub(crate) fn load(
        &self,
        held: &HeldObject<'_>,
        page: &mut Page,
        context: &mut Context,
    ) -> Result {
        let codec = held.object().codec;
        let (spare, decompressor) = context.split();
        self.pool.read(held, spare, |bytes| {
            decompressor.decompress(codec, bytes, page)
        })
    }

    /// Frees what an entry holds in this tier. Does not sleep.
    #[inline]
    pub(crate) fn free(&self, entry: Owned) {
        self.pool.free(entry)
    }

    /// Bytes that the pool takes.
    pub(crate) fn pool_bytes(&self) -> u64 {
        self.pool.bytes()
    }

    /// The most that the pool may take, in bytes.
    pub(crate) fn limit(&self) -> u64 {
        self.limit.load(Ordering::Relaxed)
    }

    /// Changes the limit. What is stored stays, even above it.
    pub(crate) fn set_limit(&self, limit: RamLimit) {
        self.limit.store(limit.bytes(), Ordering::Relaxed);
    }

    /// What new pages are compressed with.
    #[inline]
    pub(crate) fn algorithm(&self) -> Algorithm {
        Algorithm::from_bits(self.algorithm.load(Ordering::Acquire)).unwrap_or(Algorithm::Lz4)
    }

    /// Changes what new pages are compressed with; the contexts are prepared for it.
    pub(crate) fn set_algorithm(&self, algorithm: Algorithm) {
        self.algorithm.store(algorithm.to_bits(), Ordering::Release);
    }
}
