// SPDX-License-Identifier: GPL-2.0-only

//! How many of the device's free slots the swap core counts.
//!
//! The swap core takes every free slot for room, and a virtual device has many more slots than room. So
//! some are withheld from its count:
//!
//! - All free slots when nothing has room any more. Otherwise reclaim would go on to swap out what no
//!   tier takes, and the OOM killer would not come. Without them the kernel acts as with any full swap,
//!   and reports it (`SwapFree`).
//! - So many that less than half of the slots count as free, when less than half of the disks is. Then
//!   the swap core also frees the slots of pages that are in memory (`vm_swap_full()`).

use crate::engine::shortage::Shortage;
use crate::glue::swap_area::{self, Area, Kind};
use core::sync::atomic::{AtomicBool, Ordering};
use kernel::prelude::*;
use kernel::sync::{new_spinlock, SpinLock};

/// How much room there is for new pages.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// Half of the disks, or the ram tier.
    Plenty,
    /// Less than half of the disks.
    Little,
    /// None.
    None,
}

/// What is withheld.
#[derive(Default)]
struct State {
    /// The swap area of the device, while it is swapped on.
    area: Option<Area>,
    /// How many slots are withheld.
    withheld: u64,
}

impl State {
    /// How many slots have to be withheld.
    fn wanted(&self, area: &Area, room: Room) -> u64 {
        match room {
            Room::Plenty => 0,
            Room::Little => {
                let all = swap_area::counted().saturating_add(self.withheld);
                let half = area.slots() / 2;
                all.saturating_sub(half.saturating_sub(1))
                    .min(area.free_slots())
            }
            Room::None => area.free_slots(),
        }
    }
}

/// The free slots that the swap core does not count.
#[pin_data]
pub(crate) struct FreeSlots {
    /// A leaf of the lock order. Held only for counting.
    #[pin]
    state: SpinLock<State>,
    /// Whether some are withheld, and whether all of them are, to be read without the lock.
    are_withheld: AtomicBool,
    are_all_withheld: AtomicBool,
    /// Whether pages have found no room for so long that the kernel has to be told.
    pub(super) shortage: Shortage,
}

impl FreeSlots {
    /// Nothing is withheld.
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            state <- new_spinlock!(State::default(), "vswap_free_slots"),
            are_withheld: AtomicBool::new(false),
            are_all_withheld: AtomicBool::new(false),
            shortage: Shortage::default(),
        })
    }

    /// Withholds as many slots as fit that much room: fewer if the kernel counts fewer, and none while
    /// the device is not swapped on.
    pub(super) fn withhold(&self, room: Room) {
        let mut state = self.state.lock();
        let Some(area) = &state.area else { return };
        let wanted = state.wanted(area, room);
        if let Some(more) = wanted.checked_sub(state.withheld) {
            state.withheld = state.withheld.saturating_add(swap_area::take(more));
        } else {
            swap_area::give(state.withheld.saturating_sub(wanted));
            state.withheld = wanted;
        }
        // Slots that were counted as free may have been taken meanwhile.
        let owed = swap_area::owed().min(state.withheld);
        swap_area::give(owed);
        state.withheld = state.withheld.saturating_sub(owed);
        let are_withheld = state.withheld != 0;
        self.are_withheld.store(are_withheld, Ordering::Relaxed);
        self.are_all_withheld
            .store(are_withheld && room == Room::None, Ordering::Relaxed);
    }

    /// Whether some slots are withheld.
    pub(super) fn are_withheld(&self) -> bool {
        self.are_withheld.load(Ordering::Relaxed)
    }

    /// Whether all free slots are withheld, as nothing had room.
    pub(super) fn are_all_withheld(&self) -> bool {
        self.are_all_withheld.load(Ordering::Relaxed)
    }

    /// How many slots the swap core uses, or `None` while the device is not swapped on.
    pub(super) fn used(&self) -> Option<u64> {
        let state = self.state.lock();
        let area = state.area.as_ref()?;
        Some(area.slots().saturating_sub(area.free_slots()))
    }

    /// The device is swapped on as that area, or swapped off; in both cases nothing is withheld at
    /// first.
    pub(crate) fn set_area(&self, area: Option<Area>) {
        self.withhold(Room::Plenty);
        self.state.lock().area = area;
    }

    /// How many slots are withheld.
    pub(crate) fn withheld(&self) -> u64 {
        self.state.lock().withheld
    }

    /// Tells the swap core what kind of device the area is.
    pub(crate) fn set_kind(&self, kind: Kind) {
        if let Some(area) = &self.state.lock().area {
            area.set_kind(kind);
        }
    }
}
