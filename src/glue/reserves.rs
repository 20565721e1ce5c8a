// SPDX-License-Identifier: GPL-2.0-only

//! The memory for transfers.
//!
//! All of it comes from reserves, as swapping is how memory gets free: [`RESERVE`] requests and
//! bios are available at a time, and a bio never waits for another of its request.
//!
//! C header: `include/linux/mempool.h`

use super::bindings;
use super::cpu::{PerCpu, Pinned};
use super::target::Target;
use crate::engine::page::PAGE_SIZE;
use crate::engine::traffic::{Direction, Traffic};
use core::ptr::NonNull;
use kernel::prelude::*;

/// Requests and bios that are available when there is no memory.
const RESERVE: u32 = 64;

/// The reserves, and the queue on which failed writes are repaired, one at a time. Repairs have
/// reserves of their own; otherwise they would wait for the requests that they are to end.
///
/// Dropping them waits until all requests have been freed: for ever if one was forgotten
/// instead of dropped.
pub(crate) struct Reserves(KBox<Pools>);

/// The reserves' contents, at an address that requests may store.
///
/// # Invariants
///
/// `io` points at reserves made for requests and units, owned by this value.
pub(super) struct Pools {
    io: NonNull<bindings::vswap_io>,
    traffic: PerCpu<Traffic>,
}

// SAFETY: pools and queues may be used from any thread.
unsafe impl Send for Pools {}
// SAFETY: as above.
unsafe impl Sync for Pools {}

impl Reserves {
    /// Allocates reserves of requests of `request` bytes, and of bios with room for `unit`
    /// bytes in front. May sleep.
    pub(super) fn with_room(request: usize, unit: usize) -> Result<Self> {
        let (request, unit) = (u32::try_from(request)?, u32::try_from(unit)?);
        let traffic = PerCpu::new()?;
        // SAFETY: no requirements.
        let io = unsafe { bindings::vswap_io_new(RESERVE, request, unit) };
        // INVARIANT: just made so.
        let pools = Pools {
            io: NonNull::new(io).ok_or(ENOMEM)?,
            traffic,
        };
        Ok(Self(KBox::new(pools, GFP_KERNEL)?))
    }

    /// Counts a page that was copied to or from a disk that is memory.
    #[inline]
    pub(crate) fn copied(&self, cpu: &Pinned, direction: Direction, disk: &impl Target) {
        self.0.count(cpu, disk, direction, 1);
        disk.ended(direction, None);
    }

    /// Traffic to and from disks, on each CPU.
    pub(crate) fn traffic(&self) -> impl Iterator<Item = &Traffic> {
        self.0.traffic.iter()
    }

    /// The address that requests store.
    pub(super) fn pools(&self) -> &Pools {
        &self.0
    }
}

impl Pools {
    /// The pools, for C.
    pub(super) fn io(&self) -> *mut bindings::vswap_io {
        self.io.as_ptr()
    }

    /// Counts pages that go to a disk, or come from there.
    pub(super) fn count(&self, cpu: &Pinned, disk: &impl Target, direction: Direction, pages: u32) {
        let bytes = u64::from(pages).saturating_mul(const { PAGE_SIZE as u64 });
        disk.submitted(cpu, direction, bytes);
        if let Some(traffic) = self.traffic.local(cpu) {
            traffic.count(direction, bytes);
        }
    }
}

impl Drop for Pools {
    fn drop(&mut self) {
        // SAFETY: by the invariant. Nobody makes a request any more, and this waits for those that
        // exist, whose bios end first.
        unsafe { bindings::vswap_io_free(self.io.as_ptr()) }
    }
}
