// SPDX-License-Identifier: GPL-2.0-only

//! Moves: slots get other entries while the swap core uses them.

use super::super::entry::{Entry, Packed, Place};
use super::super::form::Home;
use super::super::held::{Moving, Owned, Retired};
use super::super::platform::Platform;
use super::super::slot::{ClusterNumber, Offset, Slot};
use super::ages::Which;
use super::cluster::NotPut;
use super::{Counts, Index};

/// The result of a move.
#[derive(Debug)]
pub enum Moved {
    /// The slot has the new entry. The old one may have readers until a grace period is over.
    Done {
        /// The old entry.
        old: Retired,
        /// How the clusters changed.
        clusters: Counts,
    },
    /// The slot got another entry meanwhile, or was freed. Returns the entry that it should have
    /// got, and the old one if it was left to the mover.
    TooLate {
        /// The new entry.
        new: Owned,
        /// The old entry.
        old: Owned,
    },
    /// A table is needed and `spare` was none. Nothing changed.
    NeedsTable(Owned),
}

impl<P: Platform> Index<P> {
    /// Marks slots' objects as being read by a mover, where there are objects and no other mover
    /// has them. Does not sleep.
    pub fn start_moves(
        &self,
        cpu: &P::Cpu,
        number: ClusterNumber,
        which: Which,
        slots: &[Slot],
        mut started: impl FnMut(Moving),
    ) {
        self.with_locked(cpu, number, |locked| {
            if which.spares(locked.stored()) {
                return;
            }
            for slot in slots.iter().filter(|slot| slot.cluster() == number) {
                let Some(moving) = locked.get(slot.offset()).moving() else {
                    continue;
                };
                // A cluster with an object has a table.
                if locked.put_as_it_is(slot.offset(), moving).is_some() {
                    started(Moving::new(*slot, moving));
                }
            }
        });
    }

    /// Ends a move: the slot gets its new entry, if it still has the old one.
    pub fn finish_move(&self, cpu: &P::Cpu, moving: Moving, new: Owned) -> Moved {
        let (slot, expected) = (moving.slot(), moving.into_entry());
        match self.exchange_entry(cpu, slot, expected, new, &mut None) {
            Moved::TooLate { new, .. } => Moved::TooLate {
                new,
                // Whoever took the entry out of its table left its object to the mover, which is done
                // with it.
                old: Owned::taken(expected.settled()),
            },
            other => other,
        }
    }

    /// Ends a move without a change: the slot keeps its object. Returns the object if
    /// the slot got another entry meanwhile, or was freed.
    pub fn abandon_move(&self, cpu: &P::Cpu, moving: Moving) -> Owned {
        let (slot, expected) = (moving.slot(), moving.into_entry());
        let kept = self.with_locked(cpu, slot.cluster(), |locked| {
            let kept = locked.get(slot.offset()) == expected
                && locked
                    .put_as_it_is(slot.offset(), expected.settled())
                    .is_some();
            if kept && locked.occupancy().listed().is_none() {
                self.list(locked, slot.cluster());
            }
            kept
        });
        if kept == Some(true) {
            Owned::EMPTY
        } else {
            // As in `finish_move`.
            Owned::taken(expected.settled())
        }
    }

    /// Gives a slot a new entry, if its page still lies at `place`. As long as no new page can
    /// be stored there, that means that it is the same page.
    pub fn exchange(
        &self,
        cpu: &P::Cpu,
        slot: Slot,
        place: Place,
        new: Owned,
        spare: &mut Option<P::TableMemory>,
    ) -> Moved {
        self.exchange_entry(cpu, slot, Entry::disk(place), new, spare)
    }

    /// Gives a slot a new entry, if its page is still that object of a disk. As long as the object's
    /// segment is kept from being freed, that means that it is the same page.
    pub fn exchange_packed(&self, cpu: &P::Cpu, slot: Slot, packed: Packed, new: Owned) -> Moved {
        // A cluster with a packed page has a table.
        self.exchange_entry(cpu, slot, Entry::packed(packed), new, &mut None)
    }

    fn exchange_entry(
        &self,
        cpu: &P::Cpu,
        slot: Slot,
        expected: Entry,
        new: Owned,
        spare: &mut Option<P::TableMemory>,
    ) -> Moved {
        let entry = new.entry();
        let result = self.with_locked(cpu, slot.cluster(), |locked| {
            if locked.get(slot.offset()) != expected {
                return Ok(None);
            }
            // It keeps its age, or gets the oldest.
            let age = expected.generation().unwrap_or(self.generations.oldest());
            let entry = entry.aged(age);
            let whole = locked.is_whole();
            locked.put(slot.offset(), entry, spare)?;
            if entry.is_ram() && locked.occupancy().listed().is_none() {
                self.list(locked, slot.cluster());
            }
            let mut clusters = Counts::default();
            if whole && !locked.is_whole() {
                clusters.whole = -1;
            }
            Ok(Some(clusters))
        });
        match result {
            Some(Ok(Some(clusters))) => Moved::Done {
                old: Retired::new(Owned::taken(expected.settled())),
                clusters,
            },
            Some(Err(NotPut::NeedsTable)) => Moved::NeedsTable(new),
            Some(Ok(None) | Err(NotPut::NoForm)) | None => Moved::TooLate {
                new,
                old: Owned::EMPTY,
            },
        }
    }

    /// Changes a whole cluster's home, if it is still `from`. Passes the slots in
    /// use to `used`, with the cluster's lock held; `false` when nothing changed.
    pub fn rehome(
        &self,
        cpu: &P::Cpu,
        number: ClusterNumber,
        from: Home,
        to: Home,
        mut used: impl FnMut(Offset),
    ) -> bool {
        let done = self.with_locked(cpu, number, |locked| {
            let done = locked.rehome(from, to);
            if done {
                Offset::all()
                    .filter(|offset| !locked.get(*offset).is_empty())
                    .for_each(&mut used);
            }
            done
        });
        done == Some(true)
    }

    /// Turns a cluster into a whole one if its pages lie so; returns the table.
    pub fn collapse(&self, cpu: &P::Cpu, number: ClusterNumber) -> Option<Retired<P::TableMemory>> {
        self.with_locked(cpu, number, |locked| locked.collapse())?
            .map(Retired::new)
    }
}
