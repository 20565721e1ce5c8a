// SPDX-License-Identifier: GPL-2.0-only

//! Finds out how much room there is, for the swap core's count of free slots.

use super::free_slots::Room;
use super::Device;
use crate::glue::clock;
use crate::tiers::disk::PAGE_BYTES;
use core::sync::atomic::Ordering;

/// The ram tier has room while this part of its limit (a shift) is free.
const ROOM_SHIFT: u32 = 5;

impl Device {
    /// A page found no room. If that goes on, the free slots are withheld, so that the kernel stops
    /// trying; until then the swap core is made to free the slots of pages that are in memory as well.
    /// Does not sleep.
    #[cold]
    #[inline(never)]
    pub(crate) fn found_no_room(&self) {
        let shortage = &self.free_slots.shortage;
        // Only pages from disks keep their slots when they are in memory as well.
        let stored = self.traffic().written / PAGE_BYTES;
        let is_short = shortage.failed(clock::milliseconds(), stored);
        let room = match self.room() {
            Room::Plenty => return,
            Room::None if !is_short && self.disks().are_none() => return,
            Room::None if !is_short => Room::Little,
            room => room,
        };
        self.free_slots.withhold(room);
        self.disks().bell().ring();
    }

    /// Finds out how much room there is. Returns whether slots are withheld. Does not sleep.
    pub(crate) fn look_for_room(&self) -> bool {
        let are_withheld = || self.free_slots.are_withheld.load(Ordering::Relaxed);
        let room = match self.room() {
            // Before a store fails, freed or written-back pages may still make room.
            Room::None if self.disks().are_none() && !are_withheld() => Room::Plenty,
            Room::None if !are_withheld() => Room::Little,
            room => room,
        };
        self.free_slots.withhold(room);
        are_withheld()
    }

    /// Stops withholding slots until the next check.
    pub(crate) fn offer_slots(&self) {
        if self.free_slots.are_withheld.load(Ordering::Relaxed) {
            self.free_slots.withhold(Room::Plenty);
        }
    }

    fn room(&self) -> Room {
        let ram = self.ram();
        let needed = ram.pool_bytes().saturating_add(ram.limit() >> ROOM_SHIFT);
        let (mut free, mut size) = (0_u64, 0_u64);
        if self.budget().left(clock::seconds()) >= PAGE_BYTES {
            // Disks that do not answer count as well.
            for entered in self.disks().all() {
                let disk = entered.disk();
                if disk.health().is_fit() {
                    free = free.saturating_add(disk.room());
                    size = size.saturating_add(disk.size());
                }
            }
        }
        if free != 0 && free >= size / 2 {
            Room::Plenty
        } else if free != 0 {
            Room::Little
        } else if ram.is_used() && needed <= ram.limit() {
            Room::Plenty
        } else {
            Room::None
        }
    }
}
