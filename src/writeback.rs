// SPDX-License-Identifier: GPL-2.0-only

//! Writeback: pages of the ram tier that nobody has asked for in a while go to a disk.
//!
//! The coldest clusters go first, since pages that were swapped out together are cold together;
//! each is written in one piece if there is room for it.

use crate::device::Device;
use crate::disk::{Allocating, PAGE_BYTES};
use crate::disks::{NewHome, Run, Stay};
use crate::engine::coldest::Coldest;
use crate::engine::counters::Counter;
use crate::engine::entry::{Content, Place};
use crate::engine::slot::{ClusterNumber, SLOTS_PER_CLUSTER};
use crate::glue::clock;
use crate::glue::cpu::Pinned;
use crate::glue::held::{Moving, Owned};
use crate::glue::index::Overview;
use crate::glue::signal;
use crate::glue::thread::{Stop, Work};
use crate::glue::trace;
use crate::glue::transfer::BufferTransfer;
use crate::glue::wait::WaitQueue;
use crate::mover::{Mover, NewContent, Slots, CHUNK};
use core::mem::take;
use core::sync::atomic::Ordering;
use kernel::prelude::*;
use kernel::sync::{new_mutex, Arc, Mutex};

/// Clusters that are picked at a time.
const PICKED: usize = 16;

/// How long writeback rests when it could do nothing, in seconds.
const REST: u32 = 1;

/// From how many pages on a cluster gets a physical cluster of its own, in which each page has
/// its own offset: less would leave too much of it unused.
const DENSE: usize = SLOTS_PER_CLUSTER / 4 * 3;

/// Writeback by itself, when the ram tier is above its high watermark.
#[pin_data]
pub(crate) struct Background {
    device: Arc<Device>,
    #[pin]
    writer: Mutex<BackgroundWork>,
}

/// What one run needs at a time.
struct BackgroundWork {
    writer: Writer,
    picked: Coldest<PICKED>,
}

/// Who writes back, and his memory.
pub(crate) struct Writer {
    is_limited: bool,
    mover: Mover,
    slots: Slots,
    /// Pages of the buffer, in its order, and where they are being written to.
    moving: KVec<(Moving, Option<Place>)>,
}

impl Background {
    /// Writeback of that device. May sleep.
    #[inline(never)]
    pub(crate) fn new(device: Arc<Device>) -> Result<Arc<Self>> {
        let writer = BackgroundWork {
            writer: Writer::new(device.clone(), true)?,
            picked: Coldest::default(),
        };
        Arc::pin_init(
            pin_init!(Self {
                device,
                writer <- new_mutex!(writer, "vswap_writeback"),
            }),
            GFP_KERNEL,
        )
    }
}

impl Background {
    /// Pages that are asked for, whatever the watermarks say.
    fn asked(&self) -> u64 {
        self.device.wanted_writeback.load(Ordering::Relaxed)
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
        let mut work = self.writer.lock();
        let BackgroundWork { writer, picked } = &mut *work;
        let mut done = 0usize;
        // What was freed makes room, too, and is not worth writing.
        self.device.sweep();
        loop {
            *picked = Coldest::default();
            pick(&self.device, picked);
            let mut moved = 0usize;
            for number in picked.clusters() {
                if stop.requested() || self.device.ram().is_below_low() && self.asked() == 0 {
                    return;
                }
                match writer.write_back(number) {
                    Ok(pages) => {
                        moved = moved.saturating_add(pages);
                        self.device.written_back(pages);
                    }
                    Err(_) => break,
                }
            }
            done = done.saturating_add(moved);
            if moved == 0 {
                break;
            }
        }
        // What is left lies scattered over pages of which other parts were freed.
        self.device.ram().compact();
        // There is no more.
        self.device.wanted_writeback.store(0, Ordering::Relaxed);
        if done == 0 {
            self.device.rest_writeback(REST);
        }
        self.device.progress.advance();
    }
}

/// All clusters with pages in the ram tier, in the order of their numbers.
fn clusters(device: &Device) -> impl Iterator<Item = Overview> + '_ {
    let mut next = Some(0);
    core::iter::from_fn(move || loop {
        let overview = device.index().overview(&Pinned::new(), next?)?;
        next = overview.number.index().checked_add(1);
        if overview.ram != 0 {
            return Some(overview);
        }
    })
}

fn pick(device: &Device, coldest: &mut Coldest<PICKED>) {
    let now = clock::ticks();
    for cluster in clusters(device) {
        coldest.offer(now.wrapping_sub(cluster.stored), cluster.number);
    }
}

/// Writes back all pages of clusters to which nothing was stored for `age` seconds. May sleep.
///
/// `ENOSPC`: no disk has room. `ERESTARTNOHAND`: a signal came; what was written back stays so.
pub(crate) fn write_back_older(device: &Arc<Device>, age: u32) -> Result {
    if device.disks().are_none() {
        pr_err!("writeback: there is no disk; add one with tier_add\n");
        return Err(ENOSPC);
    }
    device.sweep();
    let mut writer = Writer::new(device.clone(), false)?;
    for_older(device, age, |number| writer.write_back(number).map(drop))
}

/// Calls `each` for the clusters with pages in the ram tier to which nothing was stored for
/// `age` seconds.
pub(crate) fn for_older(
    device: &Device,
    age: u32,
    mut each: impl FnMut(ClusterNumber) -> Result,
) -> Result {
    let now = clock::ticks();
    let age = clock::ticks_of(age);
    for cluster in clusters(device) {
        if now.wrapping_sub(cluster.stored) < age {
            continue;
        }
        signal::check()?;
        each(cluster.number)?;
    }
    Ok(())
}

impl Writer {
    /// A writer for that device, which minds the limit on what is written in a day, or only
    /// counts. May sleep.
    pub(crate) fn new(device: Arc<Device>, is_limited: bool) -> Result<Self> {
        Ok(Self {
            is_limited,
            mover: Mover::new(device)?,
            slots: Slots::new()?,
            moving: KVec::with_capacity(CHUNK, GFP_KERNEL)?,
        })
    }

    /// Writes a cluster's pages back. Gives how many. May sleep.
    ///
    /// `ENOSPC`: no disk has room. `EDQUOT`: what may be written in a day is written.
    pub(crate) fn write_back(&mut self, number: ClusterNumber) -> Result<usize> {
        let result = self.write_cluster(number);
        trace::writeback(number, &result);
        result
    }

    // Out of line, as is the step below: their frames don't add up.
    #[inline(never)]
    fn write_cluster(&mut self, number: ClusterNumber) -> Result<usize> {
        let device = self.mover.device();
        let mut others = 0usize;
        self.slots.clear();
        device
            .index()
            .scan(&Pinned::new(), number, |slot, content| match content {
                Some(Content::Ram(_)) => self.slots.push(slot),
                _ => others = others.saturating_add(1),
            });
        let first = self.slots.all().first().map(|slot| slot.offset());
        let mut home = first
            .filter(|_| others == 0 && self.slots.all().len() >= DENSE)
            .and_then(|first| device.disks().new_home(first));
        let mut pages = 0usize;
        let mut result = Ok(());
        let mut from = 0;
        while from < self.slots.all().len() && result.is_ok() {
            let end = from.saturating_add(CHUNK).min(self.slots.all().len());
            match self.write_chunk(from, end, home.as_mut()) {
                Ok(written) => pages = pages.saturating_add(written),
                Err(error) => result = Err(error),
            }
            from = end;
        }
        if home.is_some() {
            self.mover.collapse(number);
        }
        drop(home);
        self.mover.flush();
        result.map(|()| pages)
    }

    /// Writes the slots from index `from` to `end` back.
    #[inline(never)]
    fn write_chunk(
        &mut self,
        from: usize,
        end: usize,
        mut home: Option<&mut NewHome<'_>>,
    ) -> Result<usize> {
        let device = self.mover.device();
        let Self {
            mover,
            slots,
            moving,
            ..
        } = self;
        let bytes = crate::disk::bytes(u64::try_from(end.saturating_sub(from)).unwrap_or(0));
        if self.is_limited && device.budget().left(clock::seconds()) < bytes {
            return Err(EDQUOT);
        }
        for slot in slots.all().get(from..end).unwrap_or(&[]) {
            let started = device.index().start_move(&Pinned::new(), *slot);
            let Some(started) = started else {
                continue;
            };
            if mover.load(&started, moving.len()).is_err() {
                mover.abandon(started);
                continue;
            }
            // There is room for a chunk.
            let _ = moving.push_within_capacity((started, None));
        }
        let mut transfer = BufferTransfer::write(device.reserves(), take(&mut mover.buffer));
        // The bays stay entered until the entries say where the pages lie.
        let mut stay = Stay::default();
        let mut run: Option<Run<'_>> = None;
        let total = moving.len();
        for (index, (started, place)) in (0..CHUNK).zip(moving.iter_mut()) {
            if let Some(home) = home.as_mut() {
                if let Some((to, slot)) = home.claim(started.slot().offset()) {
                    *place = Some(to);
                    transfer.add(index, &home.entered, slot);
                    continue;
                }
            }
            if run.as_ref().is_none_or(Run::is_over) {
                let want = total.saturating_sub(index);
                run = device.disks().allocate(&Allocating::Mover, want);
            }
            let Some(run) = run.as_mut() else {
                break;
            };
            stay.at(&run.entered);
            if let Some((to, slot)) = run.take() {
                *place = Some(to);
                transfer.add(index, &run.entered, slot);
            }
        }
        drop(run);
        let (buffer, failed) = transfer.wait();
        mover.buffer = buffer;
        let mut pages = 0usize;
        let room = moving.last().is_none_or(|(_, place)| place.is_some());
        for (started, place) in moving.drain_all() {
            match place {
                Some(place) if !failed.has(place) => {
                    let new = Owned::disk(place);
                    let content = NewContent::of(&new);
                    let moved = device.index().finish_move(&Pinned::new(), started, new);
                    if mover.moved(moved, &content, Counter::WrittenBackPages) {
                        pages = pages.saturating_add(1);
                        device.budget().spend(PAGE_BYTES, clock::seconds());
                    }
                }
                Some(place) => {
                    device.release(&Pinned::new(), Owned::disk(place), &[&failed]);
                    mover.abandon(started);
                }
                None => mover.abandon(started),
            }
        }
        drop(stay);
        if room {
            Ok(pages)
        } else {
            Err(ENOSPC)
        }
    }
}
