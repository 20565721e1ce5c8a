// SPDX-License-Identifier: GPL-2.0-only

//! A mover, and what it has replaced.

use super::chunk::Chunk;
use super::drain::Drain;
use super::segments::Inside;
use super::{failed_at, At, To, World, FIRST};
use crate::page::HostPage;
use crate::rcu::Host;
use std::mem::take;
use vswap_engine::claims::{Run, Stay};
use vswap_engine::entry::{Packed, Place};
use vswap_engine::held::{Moving, Owned, Retired};
use vswap_engine::index::moves::Moved;
use vswap_engine::platform::{Page, Platform};
use vswap_engine::segment::Segment;
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
    retired: Vec<Retired>,
    tables: Vec<Retired<HostPage>>,
}

impl<'a> Mover<'a> {
    pub(super) fn new(world: &'a World) -> Self {
        Self {
            world,
            retired: Vec::new(),
            tables: Vec::new(),
        }
    }

    /// A page that was begun with gets its new entry.
    pub fn finish_move(&mut self, source: Source, mut new: Owned) {
        let index = &self.world.index;
        let mut from = None;
        let moved = match source {
            Source::Ram(moving) => index.finish_move(&Host::pin(), moving, new),
            Source::Whole(slot, place) => {
                let mut spare = None;
                loop {
                    match index.exchange(&Host::pin(), slot, place, new, &mut spare) {
                        Moved::NeedsTable(back) => {
                            new = back;
                            spare = HostPage::new();
                        }
                        moved => break moved,
                    }
                }
            }
            Source::Packed(slot, packed) => {
                from = Some(packed);
                index.exchange_packed(&Host::pin(), slot, packed, new)
            }
        };
        match moved {
            Moved::Done { old, .. } => self.retired.push(old),
            Moved::TooLate { new, old } => {
                self.world.release(new, None);
                self.world.release(old, None);
            }
            Moved::NeedsTable(_) => unreachable!("there is one at hand"),
        }
        if let Some(from) = from {
            self.world.let_go(from);
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
            self.world.release(old.after_readers(), None);
        }
        for table in self.tables.drain(..) {
            drop(table.after_readers());
        }
    }

    /// Writes a page of the ram tier back, as `writer.rs` does. When it goes to its own offset the
    /// cluster collapses then.
    pub fn write_back(mut self, slot: Slot, disk: usize, at: At) {
        let world = self.world;
        let Some((moving, page)) = world.start_move(slot) else {
            return;
        };
        let source = Source::Ram(moving);
        let mut stay = Stay::default();
        let mut run = world.claim(slot, disk, at);
        let place = run.as_mut().and_then(|run| {
            stay.at(&run.entered);
            Some(Run::take(run)?.0)
        });
        drop(run);
        let sent = place.and_then(|place| Some((place, world.bays[disk].enter()?)));
        match (place, sent) {
            (Some(place), Some((_, sent))) if sent.disk().write(place.slot, page) => {
                drop(sent);
                self.finish_move(source, Owned::disk(place));
            }
            (Some(place), sent) => {
                let failed = sent.map(|(_, sent)| failed_at(sent, place.slot));
                world.release(Owned::disk(place), failed.as_ref());
                world.abandon(source);
            }
            (None, _) => world.abandon(source),
        }
        if at == At::Home {
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

    /// Writes pages of the ram tier back that stay compressed, into one segment.
    pub fn pack(mut self, slots: &[Slot], disk: usize) {
        let mut chunk = Chunk::new(self.world, disk);
        slots.iter().for_each(|slot| chunk.add(*slot));
        chunk.finish(&mut self);
        self.flush();
    }

    /// Moves what is left in a segment of a disk to another one, as `cleaner.rs` does: in the first that
    /// is in use.
    pub fn clean(mut self, disk: usize) {
        let enter = |segment| Inside::of_written(self.world.bays[disk].enter()?, segment);
        let Some(inside) = (1..3).filter_map(Segment::new).find_map(enter) else {
            return;
        };
        let mut chunk = Chunk::new(self.world, disk);
        chunk.add_all(&inside);
        drop(inside);
        chunk.finish(&mut self);
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
