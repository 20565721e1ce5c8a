// SPDX-License-Identifier: GPL-2.0-only

//! Virtual slots as the swap core of Linux 7.3 allocates them (`mm/swapfile.c`): one CPU's current
//! cluster from front to back, then clusters with holes in the order in which they got the first
//! one, then clusters that were never used.

use std::collections::VecDeque;

/// Slots in a cluster.
pub const CLUSTER: usize = 512;

pub struct Slots {
    /// The page in each slot.
    owner: Vec<Option<u32>>,
    free: Vec<u16>,
    with_holes: VecDeque<usize>,
    is_listed: Vec<bool>,
    current: Option<usize>,
    next: usize,
}

impl Slots {
    pub fn new() -> Self {
        Self {
            owner: Vec::new(),
            free: Vec::new(),
            with_holes: VecDeque::new(),
            is_listed: Vec::new(),
            current: None,
            next: 0,
        }
    }

    pub fn owner(&self, slot: usize) -> Option<u32> {
        self.owner[slot]
    }

    pub fn take(&mut self, page: u32) -> usize {
        loop {
            if let Some(cluster) = self.current {
                while self.next < CLUSTER {
                    let slot = cluster * CLUSTER + self.next;
                    self.next += 1;
                    if self.owner[slot].is_none() {
                        self.owner[slot] = Some(page);
                        self.free[cluster] -= 1;
                        return slot;
                    }
                }
                if self.free[cluster] != 0 {
                    self.list(cluster);
                }
            }
            self.next = 0;
            let cluster = self.with_holes.pop_front().unwrap_or_else(|| {
                self.owner.extend([None; CLUSTER]);
                self.free.push(CLUSTER as u16);
                self.is_listed.push(false);
                self.free.len() - 1
            });
            self.is_listed[cluster] = false;
            self.current = Some(cluster);
        }
    }

    pub fn give_back(&mut self, slot: usize) {
        let cluster = slot / CLUSTER;
        self.owner[slot] = None;
        self.free[cluster] += 1;
        if self.current != Some(cluster) {
            self.list(cluster);
        }
    }

    fn list(&mut self, cluster: usize) {
        if !self.is_listed[cluster] {
            self.is_listed[cluster] = true;
            self.with_holes.push_back(cluster);
        }
    }
}
