// SPDX-License-Identifier: GPL-2.0-only

//! Pages that stay compressed on disks: how they are read, and what movers do to them.

use super::chunk::Chunk;
use super::drain::{Copied, Drain};
use super::mover::{Mover, Source};
use super::segments::Inside;
use super::{To, World};
use crate::rcu::{Host, Pin};
use vswap_engine::entry::Packed;
use vswap_engine::held::{HeldContent, Owned};
use vswap_engine::platform::Platform;
use vswap_engine::segment::Segment;
use vswap_engine::slot::Slot;

impl World {
    /// Nobody needs an object any more, or a mover is counted for it no more.
    pub(super) fn leave(&self, cpu: &Pin, packed: Packed) {
        if let Some(disk) = self.bays[packed.place.disk.index()].peek(cpu) {
            disk.leave_segment(packed.segment());
        }
    }

    fn packed_of(&self, slot: Slot) -> Option<Packed> {
        self.look(slot, |held| match held.content() {
            Some(HeldContent::Packed(packed)) => Some(packed),
            _ => None,
        })
    }

    /// As `Device::read_packed`. Nothing: it is elsewhere.
    pub(super) fn read_packed(&self, slot: Slot, packed: Packed) -> Option<u64> {
        let entered = self.bays[packed.place.disk.index()].enter()?;
        let inside = Inside::new(entered, packed.segment())?;
        // From here on the object stays; it may have been another one before.
        (self.packed_of(slot) == Some(packed)).then(|| inside.read(packed))
    }

    /// Segments of a disk that are in use.
    pub fn segments(&self, disk: usize) -> Vec<Segment> {
        let entered = self.bays[disk].enter();
        entered.map_or_else(Vec::new, |entered| {
            entered.disk().segments.in_use().collect()
        })
    }
}

impl Mover<'_> {
    pub(super) fn exchange_packed(&mut self, slot: Slot, packed: Packed, new: Owned) {
        let index = &self.world.index;
        let moved = index.exchange_packed(&Host::pin(), slot, packed, new);
        self.replaced(moved);
        self.world.release(Owned::packed(packed));
    }

    /// Writes pages of the ram tier back that stay compressed, into one segment.
    pub fn pack(mut self, slots: &[Slot], disk: usize) {
        let mut chunk = Chunk::new(self.world, disk);
        slots.iter().for_each(|slot| chunk.add(*slot));
        chunk.finish(&mut self);
        self.flush();
    }

    /// Moves what is left in a segment of a disk to another one, as `cleaner.rs` does: in the first that
    /// is in use.
    pub fn clean(mut self, disk: usize) {
        let enter = |segment| Inside::of_written(self.world.bays[disk].enter()?, segment);
        let Some(inside) = (1..3).filter_map(Segment::new).find_map(enter) else {
            return;
        };
        let mut chunk = Chunk::new(self.world, disk);
        chunk.add_all(&inside);
        drop(inside);
        chunk.finish(&mut self);
        self.flush();
    }
}

impl<'a> Drain<'a> {
    /// Copies a packed page, if it is there still: into the chunk if it stays packed, and there is room.
    /// Otherwise gives it.
    pub(super) fn copy_packed(
        &self,
        slot: Slot,
        packed: Packed,
        copied: &mut Copied<'a>,
    ) -> Option<(Source, u64)> {
        // It may have been freed meanwhile, and its segment with it.
        let inside = Inside::new(self.from.again(), packed.segment())?;
        let page = inside.read(packed);
        inside.count_one();
        drop(inside);
        let source = Source::Packed(slot, packed);
        let To::Packed(disk) = self.to else {
            return Some((source, page));
        };
        let chunk = &mut copied.chunk;
        let chunk = chunk.get_or_insert_with(|| Chunk::new(self.world, disk));
        let back = chunk.try_push(source, page).err()?;
        Some((back, page))
    }
}
