// SPDX-License-Identifier: GPL-2.0-only

//! Scratch memory for compression and decompression, per CPU.

use crate::engine::codec::{Algorithm, Codec};
use crate::engine::page::{Page, PAGE_SIZE};
use crate::glue::cpu;
use crate::glue::lz4::{self, Lz4};
use crate::glue::memory;
use crate::glue::zstd::Zstd;
use kernel::prelude::*;
use kernel::sync::lock::mutex::MutexBackend;
use kernel::sync::lock::Guard;
use kernel::sync::{new_mutex, Mutex};

/// A context for each CPU.
///
/// A context's mutex says whose the scratch memory is and guards nothing else. A task holds it while it
/// compresses. Under it, the task takes no other lock of vswap than a cluster's, and does not wait for
/// memory. It is the first in the lock order.
pub(crate) struct Contexts(KVec<Pin<KBox<Mutex<Context>>>>);

/// The scratch memory of one task at a time.
pub(crate) struct Context {
    lz4: Lz4,
    zstd: Option<Zstd>,
    scratch: Scratch,
}

/// Room for a compressed page, or for an object that lies on two pages.
///
/// Any page fits, even one that grows. A compressor that knows that does not check for the end of its
/// room, which makes LZ4 some percent faster.
struct Scratch(KBox<[u8; SCRATCH_BYTES]>);

const SCRATCH_BYTES: usize = 2 * PAGE_SIZE;

impl Scratch {
    fn new() -> Result<Self> {
        Ok(Self(KBox::init(pin_init::init_zeroed(), GFP_KERNEL)?))
    }
}

impl Contexts {
    /// Contexts for all possible CPUs, for LZ4. May sleep.
    pub(crate) fn new() -> Result<Self> {
        let mut contexts = KVec::with_capacity(cpu::count(), GFP_KERNEL)?;
        for _ in 0..cpu::count() {
            let context = Context {
                lz4: Lz4::new()?,
                zstd: None,
                scratch: Scratch::new()?,
            };
            let context = KBox::pin_init(new_mutex!(context, "vswap_context"), GFP_KERNEL)?;
            contexts.push(context, GFP_KERNEL)?;
        }
        Ok(Self(contexts))
    }

    /// Makes sure that every context can use `algorithm`. May sleep.
    pub(crate) fn prepare(&self, algorithm: Algorithm) -> Result {
        if algorithm != Algorithm::Zstd {
            return Ok(());
        }
        for context in &self.0 {
            // Allocated without the lock: the allocation may enter reclaim, which needs the context.
            if context.lock().zstd.is_none() {
                let zstd = Zstd::new()?;
                let unused = context.lock().zstd.replace(zstd);
                drop(unused);
            }
        }
        Ok(())
    }

    /// Takes a context: this CPU's, or any free one, or else waits for this CPU's. May sleep.
    #[inline]
    fn take(&self) -> Option<Guard<'_, Context, MutexBackend>> {
        self.try_take()
            .or_else(|| Some(self.0.get(cpu::hint())?.lock()))
    }

    /// Takes a context if one is free: this CPU's, or any other. Does not sleep.
    #[inline]
    fn try_take(&self) -> Option<Guard<'_, Context, MutexBackend>> {
        let here = self.0.get(cpu::hint())?.try_lock();
        // Its holder was preempted or has moved to another CPU. Others may be free.
        here.or_else(|| self.0.iter().find_map(|context| context.try_lock()))
    }
}

/// A context that is taken when it is first needed. Same-filled pages need none.
pub(crate) struct Lazy<'a> {
    contexts: &'a Contexts,
    taken: Option<Guard<'a, Context, MutexBackend>>,
}

impl<'a> Lazy<'a> {
    /// One of those contexts, not taken yet.
    #[inline]
    pub(crate) fn new(contexts: &'a Contexts) -> Self {
        Self {
            contexts,
            taken: None,
        }
    }

    /// Releases the context, as no task may hold one while it waits for a disk.
    #[inline]
    pub(crate) fn give_back(&mut self) {
        self.taken = None;
    }

    /// The context, if it is taken or one is free. Does not sleep.
    #[inline]
    pub(crate) fn try_get(&mut self) -> Option<&mut Context> {
        if self.taken.is_none() {
            self.taken = self.contexts.try_take();
        }
        self.taken.as_deref_mut()
    }

    /// The context, which stays taken from now on. The first call may sleep.
    #[inline]
    pub(crate) fn get(&mut self) -> Result<&mut Context> {
        if self.taken.is_none() {
            self.taken = self.contexts.take();
        }
        // There is a context for each CPU, so one was taken.
        self.taken.as_deref_mut().ok_or(EINVAL)
    }
}

/// How many times a page was compressed, for the cases that check that none was compressed in vain.
#[cfg(vswap_kunit)]
pub(crate) static COMPRESSIONS: core::sync::atomic::AtomicU64 =
    core::sync::atomic::AtomicU64::new(0);

impl Context {
    /// Compresses a page. `None`: the result is not shorter than `limit` bytes.
    #[inline]
    pub(crate) fn compress(
        &mut self,
        algorithm: Algorithm,
        page: &Page,
        limit: usize,
    ) -> Option<&[u8]> {
        #[cfg(vswap_kunit)]
        COMPRESSIONS.fetch_add(1, core::sync::atomic::Ordering::Relaxed);
        let to = self.scratch.0.as_mut_slice();
        let length = match algorithm {
            Algorithm::Lz4 => self.lz4.compress(page, to)?,
            Algorithm::Zstd => self.zstd.as_mut()?.compress(page, to)?,
        };
        if length < limit {
            to.get(..length)
        } else {
            None
        }
    }

    /// Room for an object that lies on two pages, and the decompressor.
    #[inline]
    pub(crate) fn split(&mut self) -> (&mut [u8; SCRATCH_BYTES], Decompressor<'_>) {
        (&mut self.scratch.0, Decompressor(self.zstd.as_mut()))
    }
}

/// Decompresses objects.
pub(crate) struct Decompressor<'a>(Option<&'a mut Zstd>);

impl Decompressor<'_> {
    /// Makes a page from an object's bytes. `EIO`: they are not a valid object.
    #[inline]
    pub(crate) fn decompress(self, codec: Codec, bytes: &[u8], page: &mut Page) -> Result {
        match codec {
            Codec::Raw => memory::copy_page(bytes, page),
            Codec::Lz4 => lz4::decompress(bytes, page),
            Codec::Zstd => self.0.ok_or(EIO)?.decompress(bytes, page),
            Codec::Word => repeat(bytes, page),
        }
    }
}

#[inline]
fn repeat(bytes: &[u8], page: &mut Page) -> Result {
    page.fill(u64::from_ne_bytes(bytes.try_into().map_err(|_| EIO)?));
    Ok(())
}
