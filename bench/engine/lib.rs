// SPDX-License-Identifier: GPL-2.0-only
//! Common parts of the micro-benchmarks.

use std::sync::{Mutex, PoisonError};
use vswap_engine::allocator::{
    Allocator, ClusterState, Cursor, FreeList, FreeListLock, Space, Summary,
};
use vswap_engine::map::SlotMap;
use vswap_engine::table::Table;

/// A table with no slot in use.
pub fn table() -> Box<Table> {
    // SAFETY: zeroed memory is an empty table, and it consists of atomics.
    Box::new(unsafe { std::mem::zeroed() })
}

/// A lock like the module's, which spins; this one may sleep when it must wait.
#[derive(Default)]
pub struct Lock(Mutex<FreeList>);

impl FreeListLock for Lock {
    fn with<R>(&self, change: impl FnOnce(&mut FreeList) -> R) -> R {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The memory of a disk's allocator.
pub struct Disk {
    maps: Vec<SlotMap>,
    states: Vec<ClusterState>,
    summary: Vec<Summary>,
    slots: u32,
    lock: Lock,
    cursor: Cursor,
}

impl Disk {
    /// An empty disk of that many slots.
    pub fn new(slots: u32) -> Self {
        let clusters = Space::clusters(slots);
        let disk = Disk {
            maps: (0..clusters).map(|_| SlotMap::default()).collect(),
            states: (0..clusters).map(|_| ClusterState::default()).collect(),
            summary: (0..Space::summaries(slots))
                .map(|_| Summary::default())
                .collect(),
            slots,
            lock: Lock::default(),
            cursor: Cursor::default(),
        };
        disk.allocator().prepare();
        disk
    }

    /// The lock around its free list.
    pub fn list(&self) -> &Lock {
        &self.lock
    }

    /// Its allocator.
    pub fn allocator(&self) -> Allocator<'_, Lock> {
        let space = Space::new(&self.maps, &self.states, &self.summary, self.slots);
        Allocator::new(
            space.expect("a map and a state for each cluster, and a summary"),
            &self.lock,
            &self.cursor,
        )
    }
}
