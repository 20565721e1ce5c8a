// SPDX-License-Identifier: GPL-2.0-only

//! Moves packed pages away from a disk that is being removed.
//!
//! Where possible they stay as they are: on another disk on which pages stay compressed, or in the ram
//! tier. For other disks they are decompressed.

use super::segment_reader::SegmentReader;
use super::writer::Writer;
use crate::device::Device;
use crate::engine::counters::Counter;
use crate::engine::entry::{Content, Packed};
use crate::engine::held::Owned;
use crate::engine::slot::{ClusterNumber, Slot, SLOTS_PER_CLUSTER};
use crate::glue::cpu::Pinned;
use crate::tiers::inside::Inside;
use crate::tiers::transfer::Entered;
use kernel::prelude::*;
use kernel::sync::Arc;

/// Moves the packed pages, and has the memory for it.
pub(super) struct DrainPacked {
    writer: Writer,
    reader: SegmentReader,
    /// The packed pages of the current cluster.
    pages: KVec<(Slot, Packed)>,
    /// How many pages can't be read.
    pub(super) unreadable: usize,
}

impl DrainPacked {
    /// May sleep.
    #[inline(never)]
    pub(super) fn new(device: Arc<Device>) -> Result<KBox<Self>> {
        let mut writer = Writer::new(device, false)?;
        writer.move_to(None, Counter::DrainedPages);
        let drain = Self {
            writer,
            reader: SegmentReader::new()?,
            pages: KVec::with_capacity(SLOTS_PER_CLUSTER, GFP_KERNEL)?,
            unreadable: 0,
        };
        Ok(KBox::new(drain, GFP_KERNEL)?)
    }

    /// Moves the packed pages of a cluster away from the disk, or leaves them to be sent with the next
    /// ones. Pages that have no room at the moment stay. Returns how many there were. `check` is called
    /// now and then; an error from it ends the drain. May sleep.
    #[inline(never)]
    pub(super) fn drain(
        &mut self,
        device: &Device,
        disk: &Entered<'_>,
        number: ClusterNumber,
        force: bool,
        check: impl Fn() -> Result,
    ) -> Result<usize> {
        self.pages.clear();
        let Self { pages, .. } = self;
        device
            .index()
            .scan(&Pinned::new(), number, |slot, content| match content {
                Some(Content::Packed(packed)) if packed.place.disk == disk.number() => {
                    // The capacity is all slots of a cluster.
                    let _ = pages.push_within_capacity((slot, packed));
                }
                _ => {}
            });
        let mut inside: Option<Inside<'_>> = None;
        for index in 0..self.pages.len() {
            let Some((slot, packed)) = self.pages.get(index).copied() else {
                break;
            };
            if !inside.as_ref().is_some_and(|inside| inside.has(packed)) {
                check()?;
                inside = Inside::new(disk.again(), packed.segment());
                if let Some(inside) = &inside {
                    self.reader.read(device, inside, &check)?;
                }
            }
            // The page may have been freed meanwhile, and its segment with it.
            if inside.is_some() {
                self.drain_page(device, disk, slot, packed, force)?;
            }
        }
        Ok(self.pages.len())
    }

    fn drain_page(
        &mut self,
        device: &Device,
        disk: &Entered<'_>,
        slot: Slot,
        packed: Packed,
        force: bool,
    ) -> Result {
        // The writer holds a count for each object that it has.
        let enter = || disk.disk().enter_segment(packed.segment());
        let Self { writer, reader, .. } = self;
        let Some(bytes) = reader.object(packed) else {
            if !force {
                self.unreadable = self.unreadable.saturating_add(1);
            } else if enter() {
                writer.replace_packed(slot, packed, Owned::LOST);
            }
            return Ok(());
        };
        if enter() && but_for_room(writer.pack_again(slot, packed, bytes))? {
            return Ok(());
        }
        let has_room = || device.disks().any(|disk| disk.has_room());
        if has_room() && enter() && but_for_room(writer.write_again(slot, packed, bytes))? {
            return Ok(());
        }
        if device.ram().keeps_pages() && enter() {
            match device.ram().store_object(packed.codec, bytes) {
                Ok(new) => {
                    writer.replace_packed(slot, packed, new);
                }
                Err(_) => writer.let_go(packed),
            }
        }
        Ok(())
    }

    /// Waits for all pages that are being moved. May sleep.
    pub(super) fn finish(&mut self) -> Result {
        but_for_room(self.writer.finish().map(|()| true)).map(|_| ())
    }
}

/// Turns `ENOSPC` into `false`: there is no room at the moment.
fn but_for_room(result: Result<bool>) -> Result<bool> {
    match result {
        Err(error) if error == ENOSPC => Ok(false),
        result => result,
    }
}
