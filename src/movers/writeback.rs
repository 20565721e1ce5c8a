// SPDX-License-Identifier: GPL-2.0-only

//! Writeback: moves pages of the ram tier that nobody has asked for in a while to a disk.
//!
//! When the tier is above its high watermark, the thread [`Background`] writes pages of the oldest
//! generation, cluster by cluster, until the tier is below its low watermark. Freed slots and holes in
//! the pool make room without a write, so the thread sweeps and compacts first.

use super::cleaner::Cleaner;
use super::mover::clusters;
use super::writer::Writer;
use crate::device::Device;
use crate::engine::counters::Counter;
use crate::engine::index::ages::Which;
use crate::engine::slot::ClusterNumber;
use crate::glue::thread::{Stop, Work};
use crate::glue::wait::WaitQueue;
use crate::glue::{clock, signal};
use kernel::prelude::*;
use kernel::sync::{new_mutex, Arc, Mutex};

/// How long writeback rests when it could do nothing, in seconds and in milliseconds.
const REST: u32 = 1;
const REST_MS: u32 = 1100;

/// How many generations the tier's pages are divided into, roughly: a new one begins each time this part
/// of the tier was written back.
const SHARES: u64 = 7;

/// The pool is compacted before anything is written when this part of it is holes.
const HOLES: u64 = 16;

/// The pool is compacted when this part of its limit was freed: scattered frees release no memory by
/// themselves.
const SCATTERED: u64 = 64;

/// Automatic writeback, above the high watermark.
#[pin_data]
pub(crate) struct Background {
    device: Arc<Device>,
    #[pin]
    writer: Mutex<(Writer, Cleaner)>,
}

impl Background {
    /// Writeback for that device. May sleep.
    #[inline(never)]
    pub(crate) fn new(device: Arc<Device>) -> Result<Arc<Self>> {
        let writer = (Writer::new(device.clone(), true)?, Cleaner::new()?);
        Arc::pin_init(
            pin_init!(Self {
                device,
                writer <- new_mutex!(writer, "vswap_writeback"),
            }),
            GFP_KERNEL,
        )
    }

    /// Pages that were requested, whatever the watermarks say.
    fn asked(&self) -> u64 {
        self.device.asked.pages()
    }

    /// Counts pages that were written back.
    fn wrote(&self, pages: usize) {
        let pages = u64::try_from(pages).unwrap_or(u64::MAX);
        self.device.asked.written(pages);
    }

    /// Writes back until the tier is at its low watermark (if it was above its high one) and the
    /// requested pages are written, or until there is nothing more to write, or no room. Returns how
    /// many pages were moved, without those that are under way.
    fn write_back(&self, writer: &mut Writer, stop: &Stop) -> usize {
        let ram = self.device.ram();
        let is_above_high = ram.is_above_high();
        let mut scattered = 0u64;
        // Bytes written since the newest generation began.
        let mut since = 0u64;
        let mut done = 0usize;
        while !stop.requested() {
            // What is about to be freed counts as free.
            let gone = scattered.saturating_add(writer.under_way_bytes());
            let is_low = !is_above_high || ram.is_below_low(gone);
            if is_low && self.asked() <= writer.under_way_pages() {
                break;
            }
            let Some((number, generation)) = self.device.index().coldest() else {
                break;
            };
            if writer.write_cluster(number, Which::Of(generation)).is_err() {
                break;
            }
            let pages = writer.take_pages();
            self.wrote(pages);
            done = done.saturating_add(pages);
            since = since.saturating_add(writer.take_written());
            if since.saturating_mul(SHARES) >= ram.pool_bytes() {
                self.device.index().begin_generation();
                since = 0;
            }
            scattered = scattered.saturating_add(writer.take_freed());
            if scattered >= ram.limit() / SCATTERED {
                ram.compact();
                scattered = 0;
            }
        }
        done
    }
}

impl Work for Background {
    fn bell(&self) -> &WaitQueue {
        &self.device.bell
    }

    fn wanted(&self) -> bool {
        (self.device.ram().is_above_high() || self.asked() != 0)
            && !self.device.disks().are_none()
            && !self.device.is_writeback_resting()
    }

    fn run(&self, stop: &Stop) {
        let mut locked = self.writer.lock();
        let (writer, cleaner) = &mut *locked;
        self.device.sweep();
        if has_holes(&self.device) {
            self.device.ram().compact();
        }
        let is_above = self.device.ram().is_above_high();
        if !is_above && self.asked() == 0 {
            return self.device.progress.advance();
        }
        let errors = self.device.disks().errors();
        let done = self.write_back(writer, stop);
        let _ = writer.finish();
        let pages = writer.take_pages();
        self.wrote(pages);
        cleaner.clean(&self.device, writer, stop);
        // When memory is low on the machine, zsmalloc's own shrinker compacts, in proportion.
        if is_above {
            self.device.ram().compact();
        }
        let has_failed = self.device.disks().errors() != errors;
        let is_idle = done.saturating_add(pages) == 0;
        if is_idle {
            self.device.asked.forget();
            self.device.rest_writeback(REST);
        }
        drop(locked);
        self.device.progress.advance();
        if is_idle && has_failed {
            // Until the disk works, or fails for good, nobody else may ring.
            let is_over = || stop.requested() || !self.device.is_writeback_resting();
            self.device.bell.wait_timeout(REST_MS, is_over);
        }
    }
}

/// Whether so much of the pool is holes that compacting it comes first.
fn has_holes(device: &Device) -> bool {
    let objects = u64::try_from(device.counter(Counter::CompressedBytes)).unwrap_or(0);
    let pool = device.ram().pool_bytes();
    pool.saturating_sub(objects) > pool / HOLES
}

/// Writes back all pages of clusters to which nothing was stored for `age` seconds. May sleep.
///
/// `ENOSPC`: no disk has room. `ERESTARTNOHAND`: a signal came; pages that were written back stay on the
/// disk.
pub(crate) fn write_back_older(device: &Arc<Device>, age: u32) -> Result {
    if device.disks().are_none() {
        pr_err!("writeback: there is no disk; add one with tier_add\n");
        return Err(ENOSPC);
    }
    device.sweep();
    let mut writer = Writer::new(device.clone(), false)?;
    let written = for_older(device, age, |number, which| {
        writer.write_cluster(number, which)
    });
    // Pages that are under way are finished in any case.
    let finished = writer.finish();
    device.ram().compact();
    written.and(finished)
}

/// Calls `each` for the clusters with pages in the ram tier to which nothing had been stored for `age`
/// seconds when this was called.
pub(crate) fn for_older(
    device: &Device,
    age: u32,
    mut each: impl FnMut(ClusterNumber, Which) -> Result,
) -> Result {
    // Nothing is older than the machine's uptime.
    let Some(time) = clock::seconds().checked_sub(age) else {
        return Ok(());
    };
    for cluster in clusters(device).filter(|cluster| cluster.has_ram && cluster.stored <= time) {
        signal::check()?;
        each(cluster.number, Which::StoredBy(time))?;
    }
    Ok(())
}
