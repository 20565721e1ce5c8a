// SPDX-License-Identifier: GPL-2.0-only

//! Tracepoints. A disabled one costs an instruction, a no-op.
//!
//! C header: `include/linux/tracepoint.h`

use super::bindings;
use crate::engine::entry::{Content, DiskNumber, Entry};
use crate::engine::page::PAGE_SIZE;
use crate::engine::slot::{ClusterNumber, PhysicalSlot, Slot};
use crate::engine::traffic::Direction;
use kernel::bindings::tracepoint;
use kernel::ffi::c_uint;
use kernel::jump_label::static_branch_unlikely;
use kernel::prelude::*;

// As in `tracepoints.h`.
const TIER_SAME: c_uint = 0;
const TIER_RAM: c_uint = 1;
const TIER_LOST: c_uint = 2;
const TIER_DISK: c_uint = 16;

#[allow(improper_ctypes, reason = "only addresses within them are used")]
extern "C" {
    static __tracepoint_vswap_store: tracepoint;
    static __tracepoint_vswap_load: tracepoint;
}

fn number(count: usize) -> c_uint {
    c_uint::try_from(count).unwrap_or(c_uint::MAX)
}

/// The tier that holds a page, and the bytes that it takes there.
fn tier_of(content: Option<Content>) -> Option<(c_uint, c_uint)> {
    Some(match content? {
        Content::Empty => return None,
        Content::Same(_) => (TIER_SAME, 0),
        Content::Ram(object) => (TIER_RAM, number(object.length.bytes())),
        Content::Disk(place) => (
            TIER_DISK.saturating_add(number(place.disk.index())),
            number(PAGE_SIZE),
        ),
        Content::Packed(packed) => (
            TIER_DISK.saturating_add(number(packed.place.disk.index())),
            number(packed.length.bytes()),
        ),
        Content::Lost => (TIER_LOST, 0),
    })
}

/// A page was stored.
#[inline(always)]
pub(crate) fn store(slot: Slot, content: Option<Content>) {
    // SAFETY: it is a tracepoint of ours, whose key may be asked for at any time.
    if unsafe { static_branch_unlikely!(__tracepoint_vswap_store, tracepoint, key) } {
        trace_store(slot, content);
    }
}

#[cold]
fn trace_store(slot: Slot, content: Option<Content>) {
    if let Some((tier, bytes)) = tier_of(content) {
        // SAFETY: no requirements.
        unsafe { bindings::vswap_trace_store(slot.number(), tier, bytes) }
    }
}

/// A page was found.
#[inline(always)]
pub(crate) fn load(slot: Slot, entry: Entry) {
    // SAFETY: as in `store`.
    if unsafe { static_branch_unlikely!(__tracepoint_vswap_load, tracepoint, key) } {
        trace_load(slot, entry);
    }
}

#[cold]
fn trace_load(slot: Slot, entry: Entry) {
    if let Some((tier, bytes)) = tier_of(entry.content()) {
        // SAFETY: no requirements.
        unsafe { bindings::vswap_trace_load(slot.number(), tier, bytes) }
    }
}

/// A page could not be stored.
#[cold]
pub(crate) fn store_failed(slot: Slot) {
    // SAFETY: no requirements.
    unsafe { bindings::vswap_trace_store_failed(slot.number()) }
}

/// Pages of a cluster were written back, or that failed.
pub(crate) fn writeback(cluster: ClusterNumber, result: &Result<usize>) {
    let (pages, error) = parts(result);
    // SAFETY: no requirements.
    unsafe { bindings::vswap_trace_writeback(cluster.index(), pages, error) }
}

/// Pages of a cluster were moved away from a disk, or that failed.
pub(crate) fn drain(cluster: ClusterNumber, result: &Result<usize>) {
    let (pages, error) = parts(result);
    // SAFETY: no requirements.
    unsafe { bindings::vswap_trace_drain(cluster.index(), pages, error) }
}

fn parts(result: &Result<usize>) -> (c_uint, i32) {
    match result {
        Ok(pages) => (number(*pages), 0),
        Err(error) => (0, error.to_errno()),
    }
}

/// A disk failed to write or read `pages` slots from `slot` on. In any context.
#[cold]
pub(crate) fn io_error(disk: DiskNumber, slot: PhysicalSlot, pages: u32, direction: Direction) {
    let write = direction == Direction::Write;
    // SAFETY: no requirements.
    unsafe { bindings::vswap_trace_io_error(number(disk.index()), slot.number(), pages, write) }
}
