// SPDX-License-Identifier: GPL-2.0-only

//! A disk: which slots are in use, and what lies there.

use super::segments::Segments;
use super::{FIRST, SECOND};
use crate::cell::Cell;
use vswap_engine::claims::Slots;
use vswap_engine::health::{Health, State};
use vswap_engine::map::{Bits, SlotMap};
use vswap_engine::segment::{Segment, SEGMENT_SLOTS};
use vswap_engine::slot::{PhysicalCluster, PhysicalSlot};

/// Which slots are in use.
pub trait Space: Send + Sync {
    /// Claims those slots of one cluster, or none.
    fn claim(&self, slot: PhysicalSlot, count: usize) -> bool;

    /// Claims any slot.
    fn claim_any(&self) -> Option<PhysicalSlot>;

    /// Claims any segment.
    fn claim_segment(&self) -> Option<Segment>;

    /// A cluster where pages may have their own offsets.
    fn new_home(&self) -> Option<PhysicalCluster>;

    /// Frees slots of a cluster. Says whether all were in use.
    fn free(&self, cluster: PhysicalCluster, bits: &Bits) -> bool;

    /// How many are in use.
    fn used(&self) -> usize;
}

/// Two slots of a cluster, and two segments behind them.
#[derive(Default)]
struct Few(SlotMap);

impl Space for Few {
    fn claim(&self, slot: PhysicalSlot, count: usize) -> bool {
        self.0.claim_exact(slot.offset(), count)
    }

    fn claim_any(&self) -> Option<PhysicalSlot> {
        let slots = [FIRST, SECOND].map(|slot| PhysicalSlot::new(slot.number()));
        slots.into_iter().find(|slot| self.claim(*slot, 1))
    }

    fn claim_segment(&self) -> Option<Segment> {
        let mut segments = (1..3).filter_map(Segment::new);
        segments.find(|segment| self.claim(segment.first(), SEGMENT_SLOTS))
    }

    fn new_home(&self) -> Option<PhysicalCluster> {
        PhysicalCluster::new(0)
    }

    fn free(&self, _: PhysicalCluster, bits: &Bits) -> bool {
        self.0.clear_bits(bits).len() == bits.len()
    }

    fn used(&self) -> usize {
        self.0.count()
    }
}

/// A disk. Its slot `bad` takes no page.
pub struct Disk {
    pub(super) health: Health,
    pub(super) space: Box<dyn Space>,
    pages: Vec<Cell<u64>>,
    pub(super) segments: Segments,
    bad: Option<usize>,
}

impl Disk {
    /// A disk of so many slots, of which pages lie in the first ones, and objects in as many segments.
    pub fn new(space: Box<dyn Space>, slots: usize, segments: usize) -> Self {
        Self {
            health: Health::default(),
            space,
            pages: (0..slots).map(|_| Cell::new(0)).collect(),
            segments: Segments::new(segments),
            bad: None,
        }
    }

    pub(crate) fn few(bad: Option<usize>) -> Self {
        Self {
            bad,
            ..Self::new(Box::<Few>::default(), 2, 3)
        }
    }

    pub(super) fn is_active(&self) -> bool {
        self.health.state() == State::Active
    }

    pub(super) fn claim_any(&self) -> Option<PhysicalSlot> {
        self.is_active().then(|| self.space.claim_any())?
    }

    pub(super) fn read(&self, slot: PhysicalSlot) -> u64 {
        self.pages[slot.number() as usize].get()
    }

    pub(super) fn is_bad(&self, slot: PhysicalSlot) -> bool {
        self.bad == Some(slot.number() as usize)
    }

    pub(super) fn write(&self, slot: PhysicalSlot, page: u64) -> bool {
        let is_good = !self.is_bad(slot);
        if is_good {
            self.pages[slot.number() as usize].replace(page);
        }
        is_good
    }

    pub(super) fn free_bits(&self, cluster: PhysicalCluster, bits: &Bits) {
        assert!(self.space.free(cluster, bits), "a slot is freed twice");
    }

    /// Nothing is in use any more, but what is bad.
    pub(super) fn assert_empty(&self) {
        let bad = self.bad.and_then(|slot| u32::try_from(slot).ok());
        // That may have been freed.
        bad.map(|slot| self.space.claim(PhysicalSlot::new(slot), 1));
        let used = self.space.used();
        assert_eq!(used, usize::from(bad.is_some()), "a slot is lost");
    }
}

impl Slots for Disk {
    fn claim(&self, slot: PhysicalSlot, count: usize) -> bool {
        self.is_active() && self.space.claim(slot, count)
    }

    fn free(&self, slot: PhysicalSlot) {
        self.free_bits(slot.cluster(), &Bits::run(slot.offset(), 1));
    }
}
