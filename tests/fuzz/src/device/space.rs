// SPDX-License-Identifier: GPL-2.0-only

//! Disks whose slots the engine's allocator gives out.

use std::sync::Mutex;
use vswap_bench_engine::Disk as Allocated;
use vswap_engine::allocator::{Current, FreeListLock, SegmentCursor};
use vswap_engine::map::Bits;
use vswap_engine::segment::Segment;
use vswap_engine::slot::{PhysicalCluster, PhysicalSlot, SEGMENT_SLOTS};
use vswap_platform::world::disk::{Disk, Space};

struct Allocation {
    disk: Allocated,
    current: Current,
    cursor: Mutex<SegmentCursor>,
}

/// A disk of up to three clusters.
pub(super) fn new_disk(size: u16) -> Disk {
    let slots = size % (3 * 512);
    let space = Allocation {
        disk: Allocated::new(slots.into()),
        current: Current::default(),
        cursor: Mutex::default(),
    };
    let slots = usize::from(slots);
    Disk::new(Box::new(space), slots, slots.div_ceil(SEGMENT_SLOTS))
}

impl Space for Allocation {
    fn claim(&self, slot: PhysicalSlot, count: usize) -> bool {
        self.disk.allocator().claim_at(slot, count)
    }

    fn claim_any(&self) -> Option<PhysicalSlot> {
        let run = self.disk.allocator().allocate(&self.current, 1, false);
        run.map(|(slot, _)| slot)
    }

    fn claim_segment(&self) -> Option<Segment> {
        let mut cursor = self.cursor.lock().expect("nobody panics");
        self.disk.allocator().claim_segment(&mut cursor)
    }

    fn new_home(&self) -> Option<PhysicalCluster> {
        let space = self.disk.allocator().space();
        self.disk.list().with(|list| {
            let held = space.take_free(list)?;
            let cluster = held.number();
            space.let_go(held, list);
            Some(cluster)
        })
    }

    fn free(&self, cluster: PhysicalCluster, bits: &Bits) -> bool {
        self.disk.allocator().free_bits(cluster, bits)
    }

    fn used(&self) -> usize {
        let used = self.disk.allocator().space().used();
        usize::try_from(used).expect("few slots")
    }
}
