// SPDX-License-Identifier: GPL-2.0-only

//! The ram tier and disks. A page that is freed is gone at once.

use super::home_of;
use std::collections::BTreeMap;
use vswap_bench_engine::Disk;
use vswap_engine::allocator::{Current, FreeListLock, Space};
use vswap_engine::codec::Codec;
use vswap_engine::entry::{Handle, Length, Object, HANDLE_BITS};
use vswap_engine::health::Health;
use vswap_engine::held::Owned;
use vswap_engine::map::Bits;
use vswap_engine::slot::{PhysicalCluster, PhysicalSlot, Slot};

#[derive(Default)]
pub(super) struct Pool {
    pages: BTreeMap<u64, (Object, u64)>,
    /// The last one is used first.
    free: Vec<Handle>,
    handles: u64,
}

impl Pool {
    pub(super) fn store(&mut self, page: u64) -> Owned {
        let handle = self.free.pop().unwrap_or_else(|| {
            self.handles += 1;
            // Of all bits.
            let number = self.handles.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            Handle::new(number >> (u64::BITS - HANDLE_BITS)).expect("as many bits")
        });
        let length = usize::try_from(page % 4096).expect("a small number") + 1;
        let object = Object {
            handle,
            length: Length::new(length).expect("up to a page"),
            codec: Codec::from_bits((page >> 12) & 3).expect("two bits"),
        };
        let old = self.pages.insert(handle.number(), (object, page));
        assert_eq!(old, None);
        Owned::ram(object)
    }

    pub(super) fn read(&self, object: Object) -> u64 {
        let (stored, page) = self.pages.get(&object.handle.number()).expect("an object");
        assert_eq!(*stored, object);
        *page
    }

    pub(super) fn free(&mut self, object: Object) {
        let old = self.pages.remove(&object.handle.number());
        assert_eq!(old.map(|(object, _)| object), Some(object), "freed twice");
        self.free.push(object.handle);
    }

    pub(super) fn objects(&self) -> usize {
        self.pages.len()
    }
}

pub(super) struct Tier {
    disk: Disk,
    current: Current,
    clusters: usize,
    pages: BTreeMap<u32, u64>,
    pub(super) health: Health,
}

impl Tier {
    /// A disk of up to three clusters.
    pub(super) fn new(size: u16) -> Self {
        let slots = u32::from(size % (3 * 512));
        Self {
            disk: Disk::new(slots),
            current: Current::default(),
            clusters: Space::clusters(slots),
            pages: BTreeMap::new(),
            health: Health::default(),
        }
    }

    pub(super) fn claim(&self) -> Option<PhysicalSlot> {
        let run = self.disk.allocator().allocate(&self.current, 1, false);
        run.map(|(slot, _)| slot)
    }

    pub(super) fn claim_at(&self, slot: PhysicalSlot) -> bool {
        self.disk.allocator().claim_at(slot, 1)
    }

    pub(super) fn claim_at_home(&self, slot: Slot) -> Option<PhysicalSlot> {
        let place = home_of(slot, self.clusters)?.slot(slot.offset());
        self.claim_at(place).then_some(place)
    }

    /// A free cluster.
    pub(super) fn new_home(&self) -> Option<PhysicalCluster> {
        let space = self.disk.allocator().space();
        self.disk.list().with(|list| {
            let held = space.take_free(list)?;
            let cluster = held.number();
            space.let_go(held, list);
            Some(cluster)
        })
    }

    pub(super) fn write(&mut self, slot: PhysicalSlot, page: u64) {
        let old = self.pages.insert(slot.number(), page);
        assert_eq!(old, None, "{slot:?} has two owners");
    }

    pub(super) fn read(&self, slot: PhysicalSlot) -> u64 {
        *self.pages.get(&slot.number()).expect("a page")
    }

    pub(super) fn free(&mut self, slot: PhysicalSlot) {
        assert!(self.disk.allocator().free(slot), "{slot:?} is freed twice");
        self.pages.remove(&slot.number());
    }

    pub(super) fn free_bits(&mut self, cluster: PhysicalCluster, bits: &Bits) {
        assert!(self.disk.allocator().free_bits(cluster, bits));
        for offset in bits.clone() {
            self.pages.remove(&cluster.slot(offset).number());
        }
    }

    pub(super) fn used(&self) -> u64 {
        let used = self.disk.allocator().space().used();
        assert_eq!(used, self.pages.len() as u64);
        used
    }
}
