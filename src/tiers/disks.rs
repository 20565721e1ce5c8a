// SPDX-License-Identifier: GPL-2.0-only

//! The disks of a device, by priority.

use super::bell::Bell;
use super::changes::Changes;
use super::disk::{Allocating, Disk};
use super::transfer::{Bay, Entered, Failed};
use crate::engine::entry::{DiskNumber, Place, MAX_DISKS};
use crate::engine::form::Home;
use crate::engine::header::{self, Uuid};
use crate::engine::map::Bits;
use crate::engine::order::{Equals, Order, Turn};
use crate::engine::slot::{Offset, PhysicalSlot, SLOTS_PER_CLUSTER};
use crate::glue::backing;
use crate::glue::cpu::{PerCpu, Pinned};
use crate::glue::random;
use crate::glue::srcu::Section;
use crate::glue::target::Target;
use kernel::prelude::*;
use kernel::sync::Arc;

/// The disks.
pub(crate) struct Disks {
    bays: KVec<Pin<KBox<Bay>>>,
    order: Order,
    /// Whose turn it is among equal disks: each CPU's, movers', and for new homes.
    turns: PerCpu<Turn>,
    movers: Turn,
    homes: Turn,
    /// What the signatures of disks have that are added.
    uuid: Uuid,
    bell: Arc<Bell>,
    /// What is being added or taken out, by bay; never on the swap path. Not held across I/O.
    pub(super) changes: Changes,
}

/// Slots of a disk that were claimed together and are given out one after the other.
pub(crate) struct Run<'a> {
    /// The disk, which stays as long as this.
    pub(crate) entered: Entered<'a>,
    next: PhysicalSlot,
    left: usize,
}

impl<'a> From<NewHome<'a>> for Run<'a> {
    /// What was claimed to get the home, as a run.
    fn from(mut new: NewHome<'a>) -> Self {
        let claimed = new.claimed.take();
        let offset = claimed.unwrap_or(Offset::FIRST);
        Run {
            entered: new.entered.again(),
            next: new.home.cluster.slot(offset),
            left: usize::from(claimed.is_some()),
        }
    }
}

impl Run<'_> {
    /// The next slot, which is the caller's from now on.
    #[inline]
    pub(crate) fn take(&mut self) -> Option<(Place, PhysicalSlot)> {
        self.left = self.left.checked_sub(1)?;
        let slot = self.next;
        self.next = slot.next();
        let disk = self.entered.number();
        Some((Place { disk, slot }, slot))
    }

    /// Whether all slots were given out.
    pub(crate) fn is_over(&self) -> bool {
        self.left == 0
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        while let Some((_, slot)) = self.take() {
            self.entered.disk().free(slot);
        }
    }
}

/// A physical cluster that was free, for pages that keep their virtual cluster's offsets.
pub(crate) struct NewHome<'a> {
    /// The disk, which stays as long as this.
    pub(crate) entered: Entered<'a>,
    home: Home,
    /// What was claimed to get the cluster, and not given out yet.
    claimed: Option<Offset>,
}

impl NewHome<'_> {
    /// The home.
    pub(crate) fn home(&self) -> Home {
        self.home
    }

    /// Claims the slot at an offset, if nobody has it. Each once.
    pub(crate) fn claim(&mut self, offset: Offset) -> Option<(Place, PhysicalSlot)> {
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

impl Drop for NewHome<'_> {
    fn drop(&mut self) {
        if let Some(offset) = self.claimed {
            self.entered.disk().free(self.home.cluster.slot(offset));
        }
    }
}

/// Bays that stay entered, each once.
#[derive(Default)]
pub(crate) struct Stay([Option<Section>; MAX_DISKS]);

impl Stay {
    /// Stays in this one, too.
    pub(crate) fn at(&mut self, entered: &Entered<'_>) {
        if let Some(place) = self.0.get_mut(entered.number().index()) {
            place.get_or_insert_with(|| entered.section());
        }
    }
}

impl Disks {
    /// No disks. May sleep.
    pub(crate) fn new() -> Result<Self> {
        let mut bays = KVec::with_capacity(MAX_DISKS, GFP_KERNEL)?;
        for number in (0..MAX_DISKS).filter_map(DiskNumber::new) {
            bays.push(KBox::pin_init(Bay::new(number), GFP_KERNEL)?, GFP_KERNEL)?;
        }
        let uuid = Uuid::default();
        uuid.set(header::random_uuid(random::bits()));
        Ok(Self {
            bays,
            order: Order::default(),
            turns: PerCpu::new()?,
            movers: Turn::default(),
            homes: Turn::default(),
            uuid,
            bell: Bell::new()?,
            changes: Changes::new()?,
        })
    }

    /// The UUID in the signatures of disks that are added.
    pub(crate) fn uuid(&self) -> &Uuid {
        &self.uuid
    }

    /// Where who sees to the disks is called.
    pub(crate) fn bell(&self) -> &Arc<Bell> {
        &self.bell
    }

    /// The bay of a disk.
    #[inline]
    pub(crate) fn bay(&self, number: DiskNumber) -> Option<&Bay> {
        self.bays.get(number.index()).map(|bay| &**bay)
    }

    /// All bays, empty ones as well.
    pub(crate) fn bays(&self) -> impl Iterator<Item = &Bay> {
        self.bays.iter().map(|bay| &**bay)
    }

    /// Whether there is any disk at the moment.
    #[inline]
    pub(crate) fn are_none(&self) -> bool {
        self.order.is_empty()
    }

    /// The disks that take pages, those of the highest priority first.
    #[inline]
    pub(crate) fn active(&self) -> impl Iterator<Item = Entered<'_>> {
        self.active_of(self.order.disks())
    }

    #[inline]
    fn active_of(
        &self,
        disks: impl Iterator<Item = DiskNumber>,
    ) -> impl Iterator<Item = Entered<'_>> {
        disks
            .filter_map(|number| self.bay(number)?.enter())
            .filter(|entered| entered.disk().is_active())
    }

    /// Whether any disk takes pages.
    pub(crate) fn take_pages(&self) -> bool {
        self.active().next().is_some()
    }

    /// Allocates up to `want` consecutive slots: on the disks of the highest priority with room,
    /// there in one piece if `want` have room in one, and on equal ones in turn. Does not sleep.
    #[inline]
    pub(crate) fn allocate(&self, who: &Allocating<'_>, want: usize) -> Option<Run<'_>> {
        self.allocate_of(who, want, |_| true)
    }

    /// As [`allocate`](Self::allocate), on disks that are `wanted`.
    #[inline]
    pub(crate) fn allocate_of(
        &self,
        who: &Allocating<'_>,
        want: usize,
        wanted: impl Fn(DiskNumber) -> bool,
    ) -> Option<Run<'_>> {
        let turn = match who {
            Allocating::Store(cpu) => self.turns.local(cpu),
            Allocating::Mover => None,
        };
        let turn = turn.unwrap_or(&self.movers);
        let run = self.order.levels(turn.number()).find_map(|equals| {
            let exact = if want > 1 {
                self.allocate_on(equals, who, want, true, &wanted)
            } else {
                None
            };
            exact.or_else(|| self.allocate_on(equals, who, want, false, &wanted))
        })?;
        turn.took(run.left);
        Some(run)
    }

    /// Allocates a slot on one of the disks that are `wanted`, or else on any. Does not sleep.
    pub(crate) fn allocate_rather(
        &self,
        who: &Allocating<'_>,
        wanted: impl Fn(DiskNumber) -> bool,
    ) -> Option<Run<'_>> {
        self.allocate_of(who, 1, wanted)
            .or_else(|| self.allocate(who, 1))
    }

    #[inline]
    fn allocate_on(
        &self,
        equals: Equals,
        who: &Allocating<'_>,
        want: usize,
        exactly: bool,
        wanted: impl Fn(DiskNumber) -> bool,
    ) -> Option<Run<'_>> {
        self.active_of(equals.disks())
            .filter(|entered| wanted(entered.number()))
            .find_map(|entered| {
                let (next, left) = entered.disk().allocate(who, want, exactly)?;
                Some(Run {
                    entered,
                    next,
                    left,
                })
            })
    }

    /// A free physical cluster in which the slot at `offset` is claimed. Does not sleep.
    pub(crate) fn new_home<'a>(&'a self, offset: Offset) -> Option<NewHome<'a>> {
        let claim = |entered: Entered<'a>| {
            let cluster = entered.disk().claim_home(offset)?;
            let disk = entered.number();
            Some(NewHome {
                home: Home { disk, cluster },
                entered,
                claimed: Some(offset),
            })
        };
        let home = self
            .order
            .levels(self.homes.number())
            .find_map(|equals| self.active_of(equals.disks()).find_map(claim))?;
        self.homes.took(SLOTS_PER_CLUSTER);
        Some(home)
    }

    /// That physical cluster, in which a cluster's pages lie already. Does not sleep.
    pub(crate) fn at_home(&self, home: Home) -> Option<NewHome<'_>> {
        let entered = self.bay(home.disk)?.enter()?;
        Some(NewHome {
            entered,
            home,
            claimed: None,
        })
    }

    /// Claims one slot, if the disk takes pages and nobody has it. Does not sleep.
    #[inline]
    pub(crate) fn claim(&self, place: Place) -> Option<Run<'_>> {
        let entered = self.bay(place.disk)?.enter()?;
        // Not before it is claimed: a run that is dropped frees its slots.
        entered.disk().claim(place.slot, 1).then(|| Run {
            entered,
            next: place.slot,
            left: 1,
        })
    }

    /// Frees a slot. Does not sleep.
    #[inline]
    pub(crate) fn free(&self, cpu: &Pinned, place: Place) {
        if let Some(disk) = self.bay(place.disk).and_then(|bay| bay.peek(cpu)) {
            disk.free(place.slot);
        }
    }

    /// Frees slots of a physical cluster. Does not sleep.
    pub(crate) fn free_bits(&self, cpu: &Pinned, home: Home, bits: &Bits) {
        if let Some(disk) = self.bay(home.disk).and_then(|bay| bay.peek(cpu)) {
            disk.free_bits(home.cluster, bits);
        }
    }

    /// Frees a slot, unless it is one of those that were why a page was not transferred. Does not
    /// sleep.
    #[inline]
    pub(crate) fn release(&self, cpu: &Pinned, place: Place, bad: &[&Failed]) {
        if bad.iter().any(|failed| failed.is_bad(place)) {
            self.discard(cpu, place);
        } else {
            self.free(cpu, place);
        }
    }

    /// Sees to it that a slot in use is never used again. Does not sleep.
    fn discard(&self, cpu: &Pinned, place: Place) {
        if let Some(disk) = self.bay(place.disk).and_then(|bay| bay.peek(cpu)) {
            disk.discard(place.slot);
        }
    }

    /// Whether all disks are done when sending to them returns, as memory is.
    pub(crate) fn are_synchronous(&self) -> bool {
        self.bays()
            .filter_map(Bay::enter)
            .all(|entered| entered.disk().backing().is_synchronous())
    }

    /// A sum over all disks.
    pub(crate) fn sum(&self, of: impl Fn(&Disk) -> u64) -> u64 {
        self.bays()
            .filter_map(Bay::enter)
            .fold(0, |sum, entered| sum.saturating_add(of(entered.disk())))
    }

    /// Whether there is a disk of which that is so.
    pub(crate) fn any(&self, of: impl Fn(&Disk) -> bool) -> bool {
        self.bays()
            .filter_map(Bay::enter)
            .any(|entered| of(entered.disk()))
    }

    /// Whether that disk does not answer.
    pub(crate) fn is_stuck(&self, number: DiskNumber) -> bool {
        let entered = self.bay(number).and_then(Bay::enter);
        entered.is_some_and(|entered| entered.disk().health().is_stuck())
    }

    /// Bytes that are free on disks that take pages.
    pub(crate) fn room(&self) -> u64 {
        self.active()
            .fold(0, |sum, entered| sum.saturating_add(entered.disk().room()))
    }

    /// The disk at that path, or with that number.
    pub(crate) fn find(&self, path: &CStr) -> Option<Entered<'_>> {
        let number = backing::lookup(path).ok();
        self.bays().filter_map(Bay::enter).find(|entered| {
            let disk = entered.disk();
            Some(disk.path().as_bytes()) == path.to_bytes_with_nul().strip_suffix(b"\0")
                || number == Some(disk.backing().number())
        })
    }

    /// Puts the disks in order anew. One caller at a time.
    pub(crate) fn reorder(&self) {
        self.order.set(|number| {
            let entered = self.bay(number)?.enter()?;
            Some(entered.disk().priority())
        });
    }
}
