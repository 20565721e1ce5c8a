// SPDX-License-Identifier: GPL-2.0-only

//! Recompression: compresses cold pages of the ram tier again with zstd, for machines where that is
//! cheaper than a disk.

use super::mover::{Mover, NewContent, Slots};
use super::writeback;
use crate::device::Device;
use crate::engine::codec::{Algorithm, Codec};
use crate::engine::counters::Counter;
use crate::engine::entry::{Content, Object};
use crate::engine::index::ages::Which;
use crate::engine::slot::{ClusterNumber, Slot};
use crate::glue::cpu::Pinned;
use crate::tiers::contexts::Lazy;
use kernel::prelude::*;
use kernel::sync::Arc;

/// How many bytes a page has to shrink by. With less its size class would stay the same.
const WORTH: usize = 64;

/// Compresses all pages of clusters to which nothing was stored for `age` seconds again. May sleep.
/// `ERESTARTNOHAND`: a signal came; pages that are compressed already stay so.
// Out of line, so that the mover is not in the caller's stack frame.
#[inline(never)]
pub(crate) fn recompress_older(device: &Arc<Device>, age: u32) -> Result {
    device.contexts().prepare(Algorithm::Zstd)?;
    let mut mover = Mover::new(device.clone(), 1)?;
    let mut slots = Slots::new()?;
    writeback::for_older(device, age, |number, which| {
        recompress(&mut mover, &mut slots, number, which);
        Ok(())
    })?;
    mover.flush();
    device.ram().compact();
    Ok(())
}

/// Compresses a cluster's pages again. May sleep.
fn recompress(mover: &mut Mover, slots: &mut Slots, number: ClusterNumber, which: Which) {
    let device = mover.device();
    slots.clear();
    device
        .index()
        .scan(&Pinned::new(), number, |slot, content| {
            if let Some(Content::Ram(Object { codec, .. })) = content {
                if matches!(codec, Codec::Lz4 | Codec::Raw) {
                    slots.push(slot);
                }
            }
        });
    for slot in slots.all() {
        recompress_page(mover, *slot, which);
    }
    mover.poll();
}

fn recompress_page(mover: &mut Mover, slot: Slot, which: Which) {
    let device = mover.device().clone();
    let mut started = None;
    device
        .index()
        .start_moves(&Pinned::new(), slot.cluster(), which, &[slot], |moving| {
            started = Some(moving)
        });
    let Some(moving) = started else {
        return;
    };
    let length = moving.object().map_or(0, |o| o.object().length.bytes());
    let below = length.saturating_sub(WORTH);
    if mover.load_first(&moving).is_err() {
        return mover.abandon(moving);
    }
    let new = mover.buffer.page(0).and_then(|page| {
        let mut context = Lazy::new(device.contexts());
        let context = context.get().ok()?;
        let stored = device
            .ram()
            .store_with(Algorithm::Zstd, below, page, context);
        stored.ok()?.ok()
    });
    match new {
        Some(new) => {
            let content = NewContent::of(&new);
            let moved = device.index().finish_move(&Pinned::new(), moving, new);
            mover.moved(moved, &content, Counter::RecompressedPages);
        }
        None => mover.abandon(moving),
    }
}
