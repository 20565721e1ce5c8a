// SPDX-License-Identifier: GPL-2.0-only

//! The disks of a device, by priority.

use super::bell::Bell;
use super::changes::Changes;
use super::disk::{Allocating, Disk};
use super::transfer::{Bay, Entered, Failed, NewHome, Run};
use crate::engine::claims::Slots;
use crate::engine::entry::{DiskNumber, Packed, Place, MAX_DISKS};
use crate::engine::form::Home;
use crate::engine::header::{self, Uuid};
use crate::engine::map::Bits;
use crate::engine::order::{Equals, Order, Turn};
use crate::engine::segment::{Segment, SEGMENT_SLOTS};
use crate::engine::slot::{Offset, SLOTS_PER_CLUSTER};
use crate::glue::cpu::{PerCpu, Pinned};
use crate::glue::target::Target;
use crate::glue::{backing, random};
use kernel::prelude::*;
use kernel::sync::Arc;

/// The disks.
pub(crate) struct Disks {
    bays: KVec<Bay>,
    order: Order,
    /// Which disk of equal priority is next: for each CPU, for movers, and for new homes.
    turns: PerCpu<Turn>,
    movers: Turn,
    homes: Turn,
    /// The UUID for the signatures of disks that are added.
    uuid: Uuid,
    bell: Arc<Bell>,
    /// Notes about disks that are being added or removed. Not used on the swap path; the mutex is not
    /// held across I/O.
    pub(super) changes: Changes,
}

impl Disks {
    /// No disks. May sleep.
    pub(crate) fn new() -> Result<Self> {
        let mut bays = KVec::with_capacity(MAX_DISKS, GFP_KERNEL)?;
        for number in (0..MAX_DISKS).filter_map(DiskNumber::new) {
            bays.push(Bay::new(number).ok_or(ENOMEM)?, GFP_KERNEL)?;
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

    /// Wakes the thread that watches the disks.
    pub(crate) fn bell(&self) -> &Arc<Bell> {
        &self.bell
    }

    /// The bay of a disk.
    #[inline]
    pub(crate) fn bay(&self, number: DiskNumber) -> Option<&Bay> {
        self.bays.get(number.index())
    }

    /// All bays, including empty ones.
    pub(crate) fn bays(&self) -> impl Iterator<Item = &Bay> {
        self.bays.iter()
    }

    /// All disks.
    pub(crate) fn all(&self) -> impl Iterator<Item = Entered<'_>> {
        self.bays().filter_map(Bay::enter)
    }

    /// Enters the bay of a disk, if there is one.
    pub(crate) fn enter(&self, number: DiskNumber) -> Option<Entered<'_>> {
        self.bay(number)?.enter()
    }

    /// A disk, on this CPU.
    #[inline]
    pub(crate) fn peek<'a>(&'a self, cpu: &'a Pinned, number: DiskNumber) -> Option<&'a Disk> {
        self.bay(number)?.peek(cpu)
    }

    /// Whether there is no disk at the moment.
    #[inline]
    pub(crate) fn are_none(&self) -> bool {
        self.order.is_empty()
    }

    /// The disks that take pages, highest priority first.
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
            .filter_map(|number| self.enter(number))
            .filter(|entered| entered.disk().is_active())
    }

    /// Errors of the disks that take pages.
    pub(crate) fn errors(&self) -> u64 {
        let errors = self
            .active()
            .map(|entered| entered.disk().health().errors());
        errors.fold(0, u64::wrapping_add)
    }

    /// Whether any disk takes pages.
    pub(crate) fn take_pages(&self) -> bool {
        self.active().next().is_some()
    }

    /// Allocates up to `want` consecutive slots: on the disks of the highest priority that has room, in
    /// one piece if one of these disks has such a piece, and on disks of equal priority in turn. Does
    /// not sleep.
    #[inline]
    pub(crate) fn allocate(&self, who: &Allocating<'_>, want: usize) -> Option<Run<'_>> {
        self.allocate_of(who, want, |_| true)
    }

    /// Like [`allocate`](Self::allocate), on disks that are `wanted`.
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
        turn.took(run.left());
        Some(run)
    }

    /// Allocates a slot on a disk that is `wanted`, or else on any. Does not sleep.
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
                Some(Run::new(entered, next, left))
            })
    }

    /// Claims a segment on the disk that pages go to next, of those that are `wanted`, if pages stay
    /// compressed there. The caller is counted in the segment. The cleaner may take spare ones. Does not
    /// sleep.
    pub(crate) fn claim_segment(
        &self,
        is_cleaning: bool,
        wanted: impl Fn(DiskNumber) -> bool,
    ) -> Option<(Entered<'_>, Segment)> {
        for equals in self.order.levels(self.movers.number()) {
            let disks = self.active_of(equals.disks());
            for entered in disks.filter(|entered| wanted(entered.number())) {
                if let Some(segment) = entered.disk().claim_segment(is_cleaning) {
                    self.movers.took(SEGMENT_SLOTS);
                    return Some((entered, segment));
                }
                if entered.disk().packing().is_none() && entered.disk().has_room() {
                    return None;
                }
            }
        }
        None
    }

    /// Whether pages stay compressed on the disk that they go to next.
    pub(crate) fn are_packing(&self) -> bool {
        let mut with_room = self.active().filter(|entered| entered.disk().has_room());
        with_room
            .next()
            .is_some_and(|entered| entered.disk().packing().is_some())
    }

    /// Frees an object on a disk. Does not sleep.
    pub(crate) fn free_object(&self, cpu: &Pinned, packed: Packed) {
        if let Some(disk) = self.peek(cpu, packed.place.disk) {
            disk.free_object(cpu, packed);
        }
    }

    /// Takes one from the count of a segment. Does not sleep.
    pub(crate) fn leave_segment(&self, cpu: &Pinned, disk: DiskNumber, segment: Segment) {
        if let Some(disk) = self.peek(cpu, disk) {
            disk.leave_segment(segment);
        }
    }

    /// Ends the writing of a segment that the caller had claimed, or gives it up. Does not sleep.
    pub(crate) fn end_writing(&self, cpu: &Pinned, disk: DiskNumber, segment: Segment) {
        if let Some(disk) = self.peek(cpu, disk) {
            disk.end_writing(segment);
        }
    }

    /// Claims the slot at `offset` in a free physical cluster, as a new home. Does not sleep.
    pub(crate) fn new_home<'a>(&'a self, offset: Offset) -> Option<NewHome<'a>> {
        let claim = |entered: Entered<'a>| {
            let cluster = entered.disk().claim_home(offset)?;
            let disk = entered.number();
            let home = Home { disk, cluster };
            Some(NewHome::new(entered, home, Some(offset)))
        };
        let home = self
            .order
            .levels(self.homes.number())
            .find_map(|equals| self.active_of(equals.disks()).find_map(claim))?;
        self.homes.took(SLOTS_PER_CLUSTER);
        Some(home)
    }

    /// The home that a cluster has already. Does not sleep.
    pub(crate) fn at_home(&self, home: Home) -> Option<NewHome<'_>> {
        Some(NewHome::new(self.enter(home.disk)?, home, None))
    }

    /// Claims one slot, if it is free and the disk takes pages. Does not sleep.
    #[inline]
    pub(crate) fn claim(&self, place: Place) -> Option<Run<'_>> {
        Run::of(self.bay(place.disk)?, place.slot)
    }

    /// Frees a slot. Does not sleep.
    #[inline]
    pub(crate) fn free(&self, cpu: &Pinned, place: Place) {
        if let Some(disk) = self.peek(cpu, place.disk) {
            disk.free(place.slot);
        }
    }

    /// Frees slots of a physical cluster. Does not sleep.
    pub(crate) fn free_bits(&self, cpu: &Pinned, home: Home, bits: &Bits) {
        if let Some(disk) = self.peek(cpu, home.disk) {
            disk.free_bits(home.cluster, bits);
        }
    }

    /// Frees a slot, or retires it if it is one of the slots that failed. Does not sleep.
    #[inline]
    pub(crate) fn release(&self, cpu: &Pinned, place: Place, bad: &[&Failed]) {
        if bad.iter().any(|failed| failed.is_bad(place)) {
            if let Some(disk) = self.peek(cpu, place.disk) {
                disk.retire(place.slot);
            }
        } else {
            self.free(cpu, place);
        }
    }

    /// Whether all disks have finished a request when its submission returns, as memory has.
    pub(crate) fn are_synchronous(&self) -> bool {
        !self.any(|disk| !disk.backing().is_synchronous())
    }

    /// The sum over all disks.
    pub(crate) fn sum(&self, of: impl Fn(&Disk) -> u64) -> u64 {
        self.all()
            .fold(0, |sum, entered| sum.saturating_add(of(entered.disk())))
    }

    /// Whether any disk meets the condition.
    pub(crate) fn any(&self, of: impl Fn(&Disk) -> bool) -> bool {
        self.all().any(|entered| of(entered.disk()))
    }

    /// Whether that disk does not answer.
    pub(crate) fn is_stuck(&self, number: DiskNumber) -> bool {
        self.enter(number)
            .is_some_and(|entered| entered.disk().health().is_stuck())
    }

    /// Bytes that are free on disks that take pages.
    pub(crate) fn room(&self) -> u64 {
        self.active()
            .fold(0, |sum, entered| sum.saturating_add(entered.disk().room()))
    }

    /// The disk with that path, or with that path's device number.
    pub(crate) fn find(&self, path: &CStr) -> Option<Entered<'_>> {
        let number = backing::lookup(path).ok();
        self.all().find(|entered| {
            let disk = entered.disk();
            Some(disk.path().as_bytes()) == path.to_bytes_with_nul().strip_suffix(b"\0")
                || number == Some(disk.backing().number())
        })
    }

    /// Sorts the disks again. One caller at a time.
    pub(crate) fn reorder(&self) {
        self.order
            .set(|number| Some(self.enter(number)?.disk().priority()));
    }
}
