// SPDX-License-Identifier: GPL-2.0-only

//! Slots of disks that were claimed, and are not in entries yet. Their owner is in the disk's bay:
//! whoever closes the disk and then waits for the bay waits for them as well.

use super::bay::{Bay, Entered, Section};
use super::entry::{Place, MAX_DISKS};
use super::form::Home;
use super::platform::Platform;
use super::slot::{Offset, PhysicalSlot};

/// A disk that slots are claimed of.
pub trait Slots: Send + Sync + 'static {
    /// Claims the `count` slots from `slot` on, all in one cluster, or none of them: all must be
    /// free, and the disk must take pages. Does not sleep.
    fn claim(&self, slot: PhysicalSlot, count: usize) -> bool;

    /// Frees a slot. Does not sleep.
    fn free(&self, slot: PhysicalSlot);
}

/// Slots of a disk that were claimed together and are allocated one after the other. Dropping this
/// frees the rest.
pub struct Run<'a, P: Platform, D: Slots> {
    /// The disk, which stays as long as this.
    pub entered: Entered<'a, P, D>,
    next: PhysicalSlot,
    left: usize,
}

impl<'a, P: Platform, D: Slots> Run<'a, P, D> {
    /// `count` slots from there on, which are the caller's.
    #[inline]
    pub fn new(entered: Entered<'a, P, D>, next: PhysicalSlot, left: usize) -> Self {
        Self {
            entered,
            next,
            left,
        }
    }

    /// One slot, if the disk takes pages and it is free. Does not sleep.
    #[inline]
    pub fn of(bay: &'a Bay<P, D>, slot: PhysicalSlot) -> Option<Self> {
        let entered = bay.enter()?;
        // Only after the claim: dropping a run frees its slots.
        entered
            .disk()
            .claim(slot, 1)
            .then(|| Self::new(entered, slot, 1))
    }

    /// The next slot, which is the caller's from now on.
    #[inline]
    pub fn take(&mut self) -> Option<(Place, PhysicalSlot)> {
        self.left = self.left.checked_sub(1)?;
        let slot = self.next;
        self.next = slot.next();
        let disk = self.entered.number();
        Some((Place { disk, slot }, slot))
    }

    /// How many slots are left.
    #[inline]
    pub fn left(&self) -> usize {
        self.left
    }

    /// Whether all slots were allocated.
    #[inline]
    pub fn is_over(&self) -> bool {
        self.left == 0
    }
}

impl<P: Platform, D: Slots> Drop for Run<'_, P, D> {
    fn drop(&mut self) {
        while let Some((_, slot)) = self.take() {
            self.entered.disk().free(slot);
        }
    }
}

impl<'a, P: Platform, D: Slots> From<NewHome<'a, P, D>> for Run<'a, P, D> {
    /// What was claimed for the home, as a run.
    fn from(mut new: NewHome<'a, P, D>) -> Self {
        let claimed = new.claimed.take();
        let offset = claimed.unwrap_or(Offset::FIRST);
        Self::new(
            new.entered.again(),
            new.home.cluster.slot(offset),
            usize::from(claimed.is_some()),
        )
    }
}

/// A physical cluster for pages that keep their virtual cluster's offsets.
pub struct NewHome<'a, P: Platform, D: Slots> {
    /// The disk, which stays as long as this.
    pub entered: Entered<'a, P, D>,
    home: Home,
    /// What was claimed for the cluster, and not allocated yet.
    claimed: Option<Offset>,
}

impl<'a, P: Platform, D: Slots> NewHome<'a, P, D> {
    /// A physical cluster, of which the caller owns the slot at `claimed`, if there is one.
    pub fn new(entered: Entered<'a, P, D>, home: Home, claimed: Option<Offset>) -> Self {
        Self {
            entered,
            home,
            claimed,
        }
    }

    /// The home.
    pub fn home(&self) -> Home {
        self.home
    }

    /// Claims the slot at an offset, if it is free. Each once.
    pub fn claim(&mut self, offset: Offset) -> Option<(Place, PhysicalSlot)> {
        let slot = self.home.cluster.slot(offset);
        if self.claimed == Some(offset) {
            self.claimed = None;
        } else if !self.entered.disk().claim(slot, 1) {
            return None;
        }
        let disk = self.home.disk;
        Some((Place { disk, slot }, slot))
    }
}

impl<P: Platform, D: Slots> Drop for NewHome<'_, P, D> {
    fn drop(&mut self) {
        if let Some(offset) = self.claimed {
            self.entered.disk().free(self.home.cluster.slot(offset));
        }
    }
}

/// Bays that stay entered, each once.
pub struct Stay<P: Platform>([Option<Section<P>>; MAX_DISKS]);

impl<P: Platform> Default for Stay<P> {
    fn default() -> Self {
        Self([const { None }; MAX_DISKS])
    }
}

impl<P: Platform> Stay<P> {
    /// Also stays in this one.
    pub fn at<D: Slots>(&mut self, entered: &Entered<'_, P, D>) {
        if let Some(place) = self.0.get_mut(entered.number().index()) {
            place.get_or_insert_with(|| entered.section());
        }
    }
}
