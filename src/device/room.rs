// SPDX-License-Identifier: GPL-2.0-only

//! Finds out how much room there is, for the swap core's count of free slots.

use super::free_slots::Room;
use super::Device;
use crate::engine::counters::Counter;
use crate::glue::{clock, memory};
use crate::tiers::disk::PAGE_BYTES;

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
        let is_short = shortage.failed(clock::milliseconds(), stored, || self.are_slots_kept());
        let room = match self.room() {
            Room::Plenty => return,
            Room::None if is_short => Room::None,
            Room::None if self.disks().are_none() || self.free_slots.are_all_withheld() => return,
            Room::None | Room::Little => Room::Little,
        };
        self.free_slots.withhold(room);
        self.disks().bell().ring();
    }

    /// Finds out how much room there is. Returns whether slots are withheld. Does not sleep.
    pub(crate) fn look_for_room(&self) -> bool {
        let room = match self.room() {
            // Only stores that fail show that nothing else makes room.
            Room::None if self.free_slots.are_all_withheld() => Room::None,
            Room::None if self.disks().are_none() => Room::Plenty,
            Room::None => Room::Little,
            room => room,
        };
        self.free_slots.withhold(room);
        self.free_slots.are_withheld()
    }

    /// Whether the kernel can free memory, or slots, though nothing has room: more pages are stored and in
    /// memory as well, or stored for slots that it has freed, than its counters may be wrong by. It does
    /// not look at those pages while it counts no free slot.
    fn are_slots_kept(&self) -> bool {
        let Some(used) = self.free_slots.used() else {
            return false;
        };
        let stored = u64::try_from(self.counter(Counter::UsedSlots)).unwrap_or(0);
        let in_memory = memory::swap_cache();
        // Pages in the swap cache whose slot holds nothing are not stored: no tier took them.
        in_memory.pages.saturating_add(stored) > used.saturating_add(in_memory.error)
    }

    /// Stops withholding slots until the next check.
    pub(crate) fn offer_slots(&self) {
        if self.free_slots.are_withheld() {
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
