// SPDX-License-Identifier: GPL-2.0-only

//! Pages that are packed together, as `movers/chunk.rs` and `movers/writer.rs` do it: in one segment.

use super::segments::Words;
use super::{failed_at, Disk, Failed, Mover, World};
use crate::rcu::Host;
use vswap_engine::bay::Entered;
use vswap_engine::entry::{Packed, Place, UNIT};
use vswap_engine::held::{Moving, Owned};
use vswap_engine::page::PAGE_SIZE;
use vswap_engine::platform::Platform;
use vswap_engine::segment::{Filling, Header, Segment, Spot};
use vswap_engine::slot::Slot;

/// A page that is moved.
pub(super) enum Source {
    /// It is in the ram tier.
    Ram(Moving),
    /// It is an object on a disk, in whose segment its mover is counted once for it.
    Disk(Slot, Packed),
}

impl Source {
    fn header(&self) -> Header {
        match self {
            Self::Ram(moving) => {
                let object = moving.object().expect("an object").object();
                Header {
                    slot: moving.slot(),
                    length: object.length,
                    codec: object.codec,
                }
            }
            Self::Disk(slot, packed) => Header {
                slot: *slot,
                length: packed.length,
                codec: packed.codec,
            },
        }
    }
}

/// The pages.
pub(super) struct Chunk<'a> {
    world: &'a World,
    disk: usize,
    /// The segment, in which this is counted. Its disk stays until the entries say where the pages lie.
    segment: Option<(Entered<'a, Host, Disk>, Segment, Filling)>,
    words: Words,
    items: Vec<(Source, Packed)>,
}

impl<'a> Chunk<'a> {
    /// None yet, for that disk.
    pub(super) fn new(world: &'a World, disk: usize) -> Self {
        Self {
            world,
            disk,
            segment: None,
            words: Words::new(),
            items: Vec::new(),
        }
    }

    /// A page of the ram tier is to be written back.
    pub(super) fn add(&mut self, slot: Slot) {
        if let Some(moving) = self.world.start_move(slot) {
            let page = self.world.pool.read_moving(&moving);
            self.push(Source::Ram(moving), page);
        }
    }

    /// A page that is an object on a disk is to be packed here.
    pub(super) fn add_again(&mut self, slot: Slot, from: Packed, page: u64) {
        self.push(Source::Disk(slot, from), page);
    }

    /// Without room the page stays where it is.
    fn push(&mut self, source: Source, page: u64) {
        match self.make_room(source.header(), page) {
            Some(packed) => self.items.push((source, packed)),
            None => self.world.abandon(source),
        }
    }

    /// A place for an object, which is counted from now on, and has that page.
    fn make_room(&mut self, header: Header, page: u64) -> Option<Packed> {
        if self.segment.is_none() {
            let entered = self.world.bays[self.disk].enter()?;
            let segment = entered.disk().claim_segment()?;
            self.segment = Some((entered, segment, Filling::default()));
        }
        let (entered, segment, filling) = self.segment.as_mut()?;
        let Spot { header: at, object } = filling.add(header.length)?;
        let slot = segment.first().checked_add(object / PAGE_SIZE)?;
        let disk = entered.number();
        let place = Place { disk, slot };
        let packed = Packed::new(place, object % PAGE_SIZE, header.length, header.codec)?;
        let words = [(at / UNIT, header.to_word()), (object / UNIT, page)];
        self.words.extend(words);
        assert!(entered.disk().segments.live(*segment).add(), "it was freed");
        Some(packed)
    }

    /// Writes the segment, and gives the slots their new entries.
    pub(super) fn finish(self, mover: &mut Mover<'_>) {
        let world = self.world;
        let Some((entered, segment, _)) = self.segment else {
            return;
        };
        let failed = match entered.disk().write_segment(segment, self.words) {
            Ok(()) => Failed::new(),
            Err(bad) => failed_at(entered.again(), bad),
        };
        for (source, packed) in self.items {
            let disk = packed.place.disk;
            if packed
                .all_slots()
                .any(|slot| failed.has(Place { disk, slot }))
            {
                world.release(&Host::pin(), Owned::packed(packed), None);
                world.abandon(source);
            } else {
                mover.finish_move(source, Owned::packed(packed));
            }
        }
        mover.collapse();
        entered.disk().leave_segment(segment);
    }
}
