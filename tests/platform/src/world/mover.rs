// SPDX-License-Identifier: GPL-2.0-only

//! A mover, and what it has replaced.

use super::drain::Drain;
use super::{failed_at, To, World, FIRST};
use crate::rcu::Host;
use crate::table::HostTable;
use std::mem::take;
use vswap_engine::claims::Stay;
use vswap_engine::entry::{Packed, Place};
use vswap_engine::held::{Moving, Owned, Retired};
use vswap_engine::index::moves::Moved;
use vswap_engine::platform::{Platform, TableMemory};
use vswap_engine::slot::{ClusterNumber, Slot};

/// A page that is moved.
pub enum Source {
    /// It is in the ram tier.
    Ram(Moving),
    /// It is a slot of a disk.
    Whole(Slot, Place),
    /// It is an object on a disk, in whose segment its mover is counted once for it.
    Packed(Slot, Packed),
}

/// A mover.
pub struct Mover<'a> {
    pub(super) world: &'a World,
    pub(super) retired: Vec<Retired>,
    pub(super) tables: Vec<Retired<HostTable>>,
}

impl Mover<'_> {
    /// A page that was begun with gets its new entry.
    pub fn finish_move(&mut self, source: Source, new: Owned) {
        let moved = match source {
            Source::Ram(moving) => self.world.index.finish_move(&Host::pin(), moving, new),
            Source::Whole(slot, place) => self.exchange(slot, place, new),
            Source::Packed(slot, packed) => return self.exchange_packed(slot, packed, new),
        };
        self.replaced(moved);
    }

    fn exchange(&self, slot: Slot, place: Place, mut new: Owned) -> Moved {
        let mut spare = None;
        loop {
            let index = &self.world.index;
            match index.exchange(&Host::pin(), slot, place, new, &mut spare) {
                Moved::NeedsTable(back) => new = back,
                moved => return moved,
            }
            spare = HostTable::new();
        }
    }

    pub(super) fn replaced(&mut self, moved: Moved) {
        match moved {
            Moved::Done { old, .. } => self.retired.push(old),
            Moved::TooLate { new, old } => {
                self.world.release(new);
                self.world.release(old);
            }
            Moved::NeedsTable(_) => unreachable!("there is one at hand"),
        }
    }

    /// Turns a cluster into a whole one, if its pages lie so.
    pub fn collapse(&mut self, number: ClusterNumber) {
        let table = self.world.index.collapse(&Host::pin(), number);
        self.tables.extend(table);
    }

    /// Gives back what was replaced, after a grace period.
    pub fn flush(&mut self) {
        if self.retired.is_empty() && self.tables.is_empty() {
            return;
        }
        Host::synchronize();
        for old in take(&mut self.retired) {
            self.world.release(old.after_readers());
        }
        let tables = self.tables.drain(..);
        tables.for_each(|table| drop(table.after_readers()));
    }

    /// Writes a page of the ram tier back, as `writer.rs` does. When it goes to its own offset the
    /// cluster collapses then.
    pub fn write_back(mut self, slot: Slot, to: To) {
        let world = self.world;
        let Some((moving, page)) = world.start_move(slot) else {
            return;
        };
        let source = Source::Ram(moving);
        let mut stay = Stay::default();
        let place = world.claim(slot, to).map(|(run, place)| {
            stay.at(&run.entered);
            place
        });
        let sent = place.and_then(|place| world.bays[place.disk.index()].enter());
        match (place, sent) {
            (Some(place), Some(sent)) if sent.disk().write(place.slot, page) => {
                drop(sent);
                self.finish_move(source, Owned::disk(place));
            }
            (place, sent) => {
                if let Some(place) = place {
                    let failed = sent.map(|sent| failed_at(sent, place.slot));
                    world.release_on(&Host::pin(), Owned::disk(place), failed.as_ref());
                }
                world.abandon(source);
            }
        }
        if matches!(to, To::Home(_)) {
            self.collapse(slot.cluster());
        }
        drop(stay);
        self.flush();
    }

    /// Compresses a page anew, as `recompress.rs` does.
    pub fn recompress(mut self, slot: Slot) {
        let Some((moving, page)) = self.world.start_move(slot) else {
            return;
        };
        let new = self.world.pool.store(page);
        self.finish_move(Source::Ram(moving), new);
        self.flush();
    }

    /// Removes a disk, as `drain.rs` does: its pages go elsewhere; then it is gone, or in service
    /// again when that was `cancelled`.
    pub fn remove(mut self, disk: usize, to: To, cancelled: bool) {
        let drain = Drain::begin(self.world, disk, to);
        let number = FIRST.cluster();
        let copied = drain.copy(number);
        drain.put(&mut self, number, copied);
        if cancelled {
            drain.cancel(&mut self);
        } else {
            drain.end(&mut self);
        }
    }
}
