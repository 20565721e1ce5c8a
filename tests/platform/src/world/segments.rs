// SPDX-License-Identifier: GPL-2.0-only

//! Segments of a disk: who is counted in each, and what lies there.

use super::Disk;
use crate::cell::Cell;
use crate::rcu::Host;
use std::collections::BTreeMap;
use std::sync::Mutex;
use vswap_engine::bay::Entered;
use vswap_engine::claims::Slots;
use vswap_engine::entry::{Packed, Place};
use vswap_engine::map::Bits;
use vswap_engine::page::PAGE_SIZE;
use vswap_engine::segment::{Header, Live, Objects, Segment, HEADER_BYTES, SEGMENT_SLOTS};
use vswap_engine::slot::PhysicalSlot;

/// Words of a segment, by their index. An object's page is its first one.
pub(super) type Words = BTreeMap<usize, u64>;

struct Contents {
    live: Live,
    /// Looked at by who reads the words, and changed by who writes them.
    written: Cell<u64>,
    words: Mutex<Words>,
}

/// All segments of a disk.
pub(super) struct Segments(Vec<Contents>);

impl Segments {
    pub(super) fn new(count: usize) -> Self {
        let contents = || Contents {
            live: Live::default(),
            written: Cell::new(0),
            words: Mutex::default(),
        };
        Self((0..count).map(|_| contents()).collect())
    }

    /// Those in which somebody is counted.
    pub(super) fn in_use(&self) -> impl Iterator<Item = Segment> + '_ {
        let all = (0..).map_while(Segment::new).zip(&self.0);
        all.filter_map(|(segment, contents)| (contents.live.count() != 0).then_some(segment))
    }

    pub(super) fn live(&self, segment: Segment) -> &Live {
        &self.0[segment.index()].live
    }

    pub(super) fn write(&self, segment: Segment, words: Words) {
        let contents = &self.0[segment.index()];
        contents.written.replace(0);
        *contents.words.lock().unwrap() = words;
    }

    pub(super) fn read(&self, segment: Segment) -> Words {
        let contents = &self.0[segment.index()];
        contents.written.get();
        contents.words.lock().unwrap().clone()
    }
}

impl Disk {
    /// As `Disk::claim_segment`.
    pub(super) fn claim_segment(&self) -> Option<Segment> {
        let segment = self.is_active().then(|| self.space.claim_segment())??;
        self.segments.live(segment).begin();
        Some(segment)
    }

    /// As `Disk::leave_segment`. What is bad is never used again.
    pub(super) fn leave_segment(&self, segment: Segment) {
        self.left(segment, self.segments.live(segment).leave());
    }

    /// As `Disk::end_writing`.
    pub(super) fn end_writing(&self, segment: Segment) {
        self.left(segment, self.segments.live(segment).end_writing());
    }

    fn left(&self, segment: Segment, is_last: Option<bool>) {
        if is_last.expect("one is counted too few") {
            let first = segment.first();
            if segment.slots().any(|slot| self.is_bad(slot)) {
                let good = segment.slots().filter(|slot| !self.is_bad(*slot));
                good.for_each(|slot| self.free(slot));
            } else {
                let bits = Bits::run(first.offset(), SEGMENT_SLOTS);
                self.free_bits(first.cluster(), &bits);
            }
        }
    }

    /// Writes a segment. Gives the slot that takes no page.
    pub(super) fn write_segment(
        &self,
        segment: Segment,
        mut words: Words,
    ) -> Result<(), PhysicalSlot> {
        let bad = segment.slots().find(|slot| self.is_bad(*slot));
        let is_written = |word: usize| {
            let slot = segment.first().checked_add(word * HEADER_BYTES / PAGE_SIZE);
            slot.is_some() && slot != bad
        };
        words.retain(|word, _| is_written(*word));
        self.segments.write(segment, words);
        bad.map_or(Ok(()), Err)
    }
}

/// A segment that stays as it is while this lives, as `tiers/inside.rs` has it.
pub(super) struct Inside<'a> {
    pub(super) entered: Entered<'a, Host, Disk>,
    pub(super) segment: Segment,
}

impl<'a> Inside<'a> {
    pub(super) fn new(entered: Entered<'a, Host, Disk>, segment: Segment) -> Option<Self> {
        let is_in_use = entered.disk().segments.live(segment).enter();
        is_in_use.then(|| Self { entered, segment })
    }

    /// One that was written.
    pub(super) fn of_written(entered: Entered<'a, Host, Disk>, segment: Segment) -> Option<Self> {
        let is_written = entered.disk().segments.live(segment).enter_written();
        is_written.then(|| Self { entered, segment })
    }

    /// A mover is counted for an object that lies here.
    pub(super) fn count_one(&self) {
        let live = self.entered.disk().segments.live(self.segment);
        assert!(live.enter(), "it was freed");
    }

    /// The page of an object that lies here.
    pub(super) fn read(&self, packed: Packed) -> u64 {
        let words = self.entered.disk().segments.read(self.segment);
        *words
            .get(&(packed.in_segment() / HEADER_BYTES))
            .expect("an object")
    }

    /// What lies here, or did.
    pub(super) fn objects(&self) -> Vec<(Header, Packed)> {
        let words = self.entered.disk().segments.read(self.segment);
        let disk = self.entered.number();
        let packed = |(header, at): (Header, usize)| {
            let slot = self.segment.first().checked_add(at / PAGE_SIZE)?;
            let place = Place { disk, slot };
            let packed = Packed::new(place, at % PAGE_SIZE, header.length, header.codec)?;
            Some((header, packed))
        };
        let all = Objects::new(|index| words.get(&index).copied());
        all.filter_map(packed).collect()
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.entered.disk().leave_segment(self.segment);
    }
}
