// SPDX-License-Identifier: GPL-2.0-only

//! The ram tier: pages as compressed objects in a pool of limited size.
//!
//! A limit of 0 leaves disks only. If pages are to stay compressed on one of these nevertheless, they pass
//! through a small pool, the *buffer*, as pages are packed together that are written together.
//!
//! The pool grows by a zspage at a time, and only the allocation of an object shows how many pages that
//! takes. So a store that takes the pool above the limit is undone, and the tier is then *full*: no page
//! is compressed for it until the largest zspage has room below the limit, or an object is freed, whose
//! place another one may take.

use super::contexts::Context;
use crate::engine::codec::{Algorithm, Codec};
use crate::engine::config::RamLimit;
use crate::engine::held::{HeldObject, Owned};
use crate::engine::page::Page;
use crate::engine::watermarks::Watermarks;
use crate::glue::memory;
use crate::glue::zsmalloc::{Pool, LARGEST_ZSPAGE};
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use kernel::prelude::*;

/// The limit of the pool when it is only a buffer, in bytes.
const BUFFER: u64 = 8 << 20;

/// The tier.
pub(crate) struct Ram {
    pool: Pool,
    limit: AtomicU64,
    /// The limit that holds when the other one is 0.
    buffer: AtomicU64,
    /// Whether a store was undone since the last object was freed.
    refused: AtomicBool,
    algorithm: AtomicU64,
    watermarks: Watermarks,
}

/// The page does not shrink when it is compressed.
pub(crate) struct Incompressible;

impl Ram {
    /// An empty tier with that limit. May sleep.
    pub(crate) fn new(limit: RamLimit) -> Result<Self> {
        Ok(Self {
            pool: Pool::new(c"vswap")?,
            limit: AtomicU64::new(limit.bytes()),
            buffer: AtomicU64::new(0),
            refused: AtomicBool::new(false),
            algorithm: AtomicU64::new(Algorithm::Lz4.to_bits()),
            watermarks: Watermarks::default(),
        })
    }

    /// Stores a page, compressed. Does not sleep.
    ///
    /// `ENOSPC`: the limit is reached. `ENOMEM`: there is no memory.
    #[inline]
    pub(crate) fn store(
        &self,
        page: &Page,
        context: &mut Context,
    ) -> Result<Result<Owned>, Incompressible> {
        self.store_with(self.algorithm(), self.pool.whole_page_from(), page, context)
    }

    /// Stores a page, compressed with that algorithm to less than `below` bytes. Otherwise like
    /// [`store`](Self::store).
    #[inline]
    pub(crate) fn store_with(
        &self,
        algorithm: Algorithm,
        below: usize,
        page: &Page,
        context: &mut Context,
    ) -> Result<Result<Owned>, Incompressible> {
        match context.compress(algorithm, page, below) {
            Some(bytes) => Ok(self
                .pool
                .store(algorithm.codec(), bytes)
                .and_then(|entry| self.within_limit(entry))),
            None => Err(Incompressible),
        }
    }

    /// Stores a page uncompressed. Does not sleep. The errors are those of [`store`](Self::store).
    #[inline]
    pub(crate) fn store_raw(&self, page: &Page) -> Result<Owned> {
        self.within_limit(self.pool.store(Codec::Raw, memory::bytes_of(page))?)
    }

    /// Stores a page that repeats one word. Does not sleep. The errors are those of
    /// [`store`](Self::store).
    #[inline]
    pub(crate) fn store_word(&self, word: u64) -> Result<Owned> {
        self.within_limit(self.pool.store(Codec::Word, &word.to_ne_bytes())?)
    }

    /// Undoes a store that took the pool above the limit.
    #[inline]
    fn within_limit(&self, entry: Owned) -> Result<Owned> {
        if self.pool.bytes() > self.limit() {
            self.pool.free(entry);
            self.refused.store(true, Ordering::Relaxed);
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

    /// Stores an object that is compressed already. Does not sleep. The errors are those of
    /// [`store`](Self::store).
    pub(crate) fn store_object(&self, codec: Codec, bytes: &[u8]) -> Result<Owned> {
        self.within_limit(self.pool.store(codec, bytes)?)
    }

    /// Passes an object's bytes to `read`, still compressed. Does not sleep; `read` must not either.
    pub(crate) fn read(
        &self,
        held: &HeldObject<'_>,
        context: &mut Context,
        read: impl FnOnce(&[u8]) -> Result,
    ) -> Result {
        let (spare, _) = context.split();
        self.pool.read(held, spare, read)
    }

    /// Frees what an entry holds in this tier. Does not sleep.
    #[inline]
    pub(crate) fn free(&self, entry: Owned) {
        if self.pool.free(entry) && self.refused.load(Ordering::Relaxed) {
            self.freed();
        }
    }

    /// An object was freed, and a page may take its place, unless the pool is above the limit.
    #[cold]
    fn freed(&self) {
        if self.pool.bytes() <= self.limit() {
            self.refused.store(false, Ordering::Relaxed);
        }
    }

    /// Bytes that the pool takes.
    #[inline]
    pub(crate) fn pool_bytes(&self) -> u64 {
        self.pool.bytes()
    }

    /// Compacts the pool. May take long.
    pub(crate) fn compact(&self) {
        self.pool.compact();
    }

    /// Whether pages may be stored here at all, on their way to a disk at least.
    #[inline]
    pub(crate) fn is_used(&self) -> bool {
        self.limit() != 0
    }

    /// Whether pages may stay here.
    pub(crate) fn keeps_pages(&self) -> bool {
        self.asked_limit() != 0
    }

    /// Bytes that may still be stored of pages that stay here.
    pub(crate) fn room(&self) -> u64 {
        self.asked_limit().saturating_sub(self.pool_bytes())
    }

    /// Whether there is no room for a page, so that compressing one would be in vain.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.refused.load(Ordering::Relaxed) && !self.has_room()
    }

    /// Whether any object has room below the limit, even if it needs a zspage of its own.
    #[cold]
    fn has_room(&self) -> bool {
        let has_room = self.pool.bytes().saturating_add(LARGEST_ZSPAGE) <= self.limit();
        if has_room {
            self.refused.store(false, Ordering::Relaxed);
        }
        has_room
    }

    /// Whether writeback has to begin.
    #[inline]
    pub(crate) fn is_above_high(&self) -> bool {
        self.pool.bytes() > self.watermarks.high(self.limit())
    }

    /// Whether writeback can stop, when that many bytes are about to be freed.
    pub(crate) fn is_below_low(&self, gone: u64) -> bool {
        self.pool.bytes().saturating_sub(gone) <= self.watermarks.low(self.limit())
    }

    /// The watermarks.
    pub(crate) fn watermarks(&self) -> &Watermarks {
        &self.watermarks
    }

    /// The most that the pool may take, in bytes.
    #[inline]
    pub(crate) fn limit(&self) -> u64 {
        match self.limit.load(Ordering::Relaxed) {
            0 => self.buffer.load(Ordering::Relaxed),
            limit => limit,
        }
    }

    /// The limit that was asked for, in bytes.
    pub(crate) fn asked_limit(&self) -> u64 {
        self.limit.load(Ordering::Relaxed)
    }

    /// Says whether pages pass through here even if none may stay.
    pub(crate) fn set_buffered(&self, is_buffered: bool) {
        let limit = if is_buffered { BUFFER } else { 0 };
        self.buffer.store(limit, Ordering::Relaxed);
        self.refused.store(false, Ordering::Relaxed);
    }

    /// Changes the limit. Stored pages stay, even above it.
    pub(crate) fn set_limit(&self, limit: RamLimit) {
        self.limit.store(limit.bytes(), Ordering::Relaxed);
        self.refused.store(false, Ordering::Relaxed);
    }

    /// The algorithm for new pages.
    #[inline]
    pub(crate) fn algorithm(&self) -> Algorithm {
        Algorithm::from_bits(self.algorithm.load(Ordering::Acquire)).unwrap_or(Algorithm::Lz4)
    }

    /// Changes the algorithm for new pages. The contexts must be prepared for it.
    pub(crate) fn set_algorithm(&self, algorithm: Algorithm) {
        self.algorithm.store(algorithm.to_bits(), Ordering::Release);
    }
}
