// SPDX-License-Identifier: GPL-2.0-only

//! Pages that are packed together, as `movers/chunk.rs` and `movers/writer.rs` do it: in one segment.

use super::mover::{Mover, Source};
use super::segments::{Inside, Words};
use super::{failed_at, Disk, Failed, World};
use crate::rcu::Host;
use vswap_engine::bay::Entered;
use vswap_engine::entry::{Content, Packed, Place};
use vswap_engine::held::Owned;
use vswap_engine::page::PAGE_SIZE;
use vswap_engine::platform::Platform;
use vswap_engine::segment::{Filling, Header, Segment, Spot, HEADER_BYTES};
use vswap_engine::slot::Slot;

/// The pages.
pub struct Chunk<'a> {
    world: &'a World,
    disk: usize,
    /// The segment, in which this is counted. Its disk stays until the entries say where the pages lie.
    segment: Option<(Entered<'a, Host, Disk>, Segment, Filling)>,
    words: Words,
    items: Vec<(Source, Packed)>,
}

impl<'a> Chunk<'a> {
    /// None yet, for that disk.
    pub fn new(world: &'a World, disk: usize) -> Self {
        Self {
            world,
            disk,
            segment: None,
            words: Words::new(),
            items: Vec::new(),
        }
    }

    /// The segment that is filled, of the disk.
    pub fn segment(&self) -> Option<(usize, Segment)> {
        self.segment
            .as_ref()
            .map(|(_, segment, _)| (self.disk, *segment))
    }

    /// Which disk.
    pub fn disk(&self) -> usize {
        self.disk
    }

    /// A page of the ram tier is to be written back.
    pub fn add(&mut self, slot: Slot) {
        if let Some((moving, page)) = self.world.start_move(slot) {
            self.push(Source::Ram(moving), page);
        }
    }

    /// What lies in a segment still is to be packed here.
    pub(super) fn add_all(&mut self, inside: &Inside<'_>) {
        for (header, packed) in inside.objects() {
            let content = self.world.index.peek(&Host::pin(), header.slot);
            if content == Some(Content::Packed(packed)) {
                inside.count_one();
                self.push(Source::Packed(header.slot, packed), inside.read(packed));
            }
        }
    }

    /// The same of a segment of the disk, if it is in use.
    pub fn clean(&mut self, segment: Segment) {
        let entered = self.world.bays[self.disk].enter();
        if let Some(inside) = entered.and_then(|entered| Inside::new(entered, segment)) {
            self.add_all(&inside);
        }
    }

    /// Without room the page stays where it is.
    fn push(&mut self, source: Source, page: u64) {
        if let Err(source) = self.try_push(source, page) {
            self.world.abandon(source);
        }
    }

    /// A page is to be packed here, if there is room.
    pub(super) fn try_push(&mut self, source: Source, page: u64) -> Result<(), Source> {
        match self.make_room(header_of(&source), page) {
            Some(packed) => self.items.push((source, packed)),
            None => return Err(source),
        }
        Ok(())
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
        let words = [
            (at / HEADER_BYTES, header.to_word()),
            (object / HEADER_BYTES, page),
        ];
        self.words.extend(words);
        assert!(
            entered.disk().segments.live(*segment).enter(),
            "it was freed"
        );
        Some(packed)
    }

    /// Writes the segment, and gives the slots their new entries.
    pub fn finish(self, mover: &mut Mover<'_>) {
        let world = self.world;
        let Some((entered, segment, _)) = self.segment else {
            return;
        };
        let failed = match entered.disk().write_segment(segment, self.words) {
            Ok(()) => Failed::default(),
            Err(bad) => failed_at(entered.again(), bad),
        };
        let mut clusters = Vec::new();
        for (source, packed) in self.items {
            clusters.push(header_of(&source).slot.cluster());
            let disk = packed.place.disk;
            if packed
                .all_slots()
                .any(|slot| failed.has(Place { disk, slot }))
            {
                world.release(Owned::packed(packed));
                world.abandon(source);
            } else {
                mover.finish_move(source, Owned::packed(packed));
            }
        }
        clusters.dedup();
        clusters
            .into_iter()
            .for_each(|number| mover.collapse(number));
        entered.disk().end_writing(segment);
    }
}

/// What is said of a page's object where it is packed.
fn header_of(source: &Source) -> Header {
    match source {
        Source::Ram(moving) => {
            let object = moving.object().expect("an object").object();
            let (length, codec) = (object.length, object.codec);
            Header {
                slot: moving.slot(),
                length,
                codec,
            }
        }
        Source::Packed(slot, packed) => Header {
            slot: *slot,
            length: packed.length,
            codec: packed.codec,
        },
        Source::Whole(..) => panic!("it is no object"),
    }
}
