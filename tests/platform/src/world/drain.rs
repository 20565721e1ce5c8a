// SPDX-License-Identifier: GPL-2.0-only

//! A disk is removed, as `movers/drain.rs` and `movers/drain_packed.rs` do it: what lies there goes
//! elsewhere, a cluster at a time.

use super::chunk::Chunk;
use super::mover::{Mover, Source};
use super::{Disk, To, World};
use crate::rcu::Host;
use crate::sync::yield_now;
use vswap_engine::bay::{Bay, Entered};
use vswap_engine::claims::{NewHome, Stay};
use vswap_engine::entry::Content;
use vswap_engine::form::Home;
use vswap_engine::held::Owned;
use vswap_engine::map::SlotMap;
use vswap_engine::platform::Platform;
use vswap_engine::slot::{ClusterNumber, Slot};

/// A drain under way.
pub struct Drain<'a> {
    pub(super) world: &'a World,
    bay: &'a Bay<Host, Disk>,
    pub(super) from: Entered<'a, Host, Disk>,
    pub(super) to: To,
}

/// What a drain has copied of a cluster.
#[derive(Default)]
pub struct Copied<'a> {
    /// The cluster's home, and its home to be.
    homes: Option<(Home, Home)>,
    /// Each page, and what its entry is to be.
    pages: Vec<(Source, Owned)>,
    /// What is packed elsewhere.
    pub(super) chunk: Option<Chunk<'a>>,
    /// Keeps the disks until the entries say where the pages lie.
    stay: Stay<Host>,
}

impl<'a> Drain<'a> {
    /// The disk takes no pages from now on, and what was under way to it is there.
    pub fn begin(world: &'a World, disk: usize, to: To) -> Self {
        let bay = &world.bays[disk];
        let enter = || bay.enter().expect("it is there");
        assert!(enter().disk().health.start_draining());
        bay.wait();
        let from = enter();
        Self {
            world,
            bay,
            from,
            to,
        }
    }

    /// The slots of a cluster whose pages lie there, whole or packed.
    fn look(&self, number: ClusterNumber) -> Vec<(Slot, Content)> {
        let (mut found, disk) = (Vec::new(), self.from.number());
        let index = &self.world.index;
        index.scan(&Host::pin(), number, |slot, content| match content {
            Some(Content::Disk(at)) if at.disk == disk => found.push((slot, Content::Disk(at))),
            Some(Content::Packed(at)) if at.place.disk == disk => {
                found.push((slot, Content::Packed(at)));
            }
            _ => {}
        });
        found
    }

    /// Copies the pages of a cluster: as a whole if it is one, and there is room.
    pub fn copy(&self, number: ClusterNumber) -> Copied<'a> {
        let home = self.world.index.home(&Host::pin(), number);
        let home = home.filter(|home| home.disk == self.from.number());
        if let (Some(home), To::Disk(to)) = (home, self.to) {
            if let Some(copied) = self.copy_whole(number, home, to) {
                return copied;
            }
        }
        self.copy_pages(number)
    }

    fn copy_whole(&self, number: ClusterNumber, from: Home, to: usize) -> Option<Copied<'a>> {
        let pages = self.look(number);
        let entered = self.world.bays[to].enter().filter(|_| !pages.is_empty())?;
        let (disk, cluster) = (entered.number(), entered.disk().space.new_home()?);
        let to = Home { disk, cluster };
        let mut target = NewHome::new(entered, to, None);
        let mut copied = Copied {
            homes: Some((from, to)),
            ..Copied::default()
        };
        copied.stay.at(&target.entered);
        for (slot, content) in pages {
            let Content::Disk(old) = content else {
                continue;
            };
            let Some((place, to)) = target.claim(slot.offset()) else {
                let all = copied.pages.into_iter();
                all.for_each(|(_, new)| self.world.release(new));
                return None;
            };
            let page = self.from.disk().read(old.slot);
            assert!(target.entered.disk().write(to, page));
            let new = Owned::disk(place);
            copied.pages.push((Source::Whole(slot, old), new));
        }
        Some(copied)
    }

    fn copy_pages(&self, number: ClusterNumber) -> Copied<'a> {
        let (world, to) = (self.world, self.to);
        let mut copied = Copied::default();
        for (slot, content) in self.look(number) {
            let page = match content {
                Content::Disk(at) => {
                    Some((Source::Whole(slot, at), self.from.disk().read(at.slot)))
                }
                Content::Packed(at) => self.copy_packed(slot, at, &mut copied),
                _ => None,
            };
            if let Some((source, page)) = page {
                let new = world.placed(slot, page, to, &mut copied.stay);
                copied.pages.push((source, new));
            }
        }
        copied
    }

    /// Gives the slots of a cluster their new entries.
    pub fn put(&self, mover: &mut Mover<'_>, number: ClusterNumber, mut copied: Copied<'a>) {
        if let Some((from, to)) = copied.homes {
            if self.rehome(number, from, to, copied) {
                return;
            }
            copied = self.copy_pages(number);
        }
        for (source, new) in copied.pages {
            mover.finish_move(source, new);
        }
        if let Some(chunk) = copied.chunk {
            chunk.finish(mover);
        }
        drop(copied.stay);
        mover.collapse(number);
    }

    fn rehome(&self, number: ClusterNumber, from: Home, to: Home, copied: Copied<'_>) -> bool {
        let (cpu, used) = (Host::pin(), SlotMap::default());
        let index = &self.world.index;
        let done = index.rehome(&cpu, number, from, to, |offset| {
            used.set(offset);
        });
        drop(cpu);
        for (source, new) in copied.pages {
            let left = match source {
                Source::Whole(slot, old) if done && used.test(slot.offset()) => Owned::disk(old),
                _ => new,
            };
            self.world.release(left);
        }
        done
    }

    /// The disk is in service again.
    pub fn cancel(self, mover: &mut Mover<'_>) {
        mover.flush();
        drop(self.from);
        self.bay.wait();
        let entered = self.bay.enter().expect("it is there");
        assert!(entered.disk().health.cancel());
        entered.disk().health.stop_draining();
    }

    /// The disk goes. Gives how many of its slots are in use still: of pages that were on their way there.
    pub fn end(self, mover: &mut Mover<'_>) -> usize {
        mover.flush();
        drop(self.from);
        let mut leaving = self.bay.take().expect("it is there");
        loop {
            match self.bay.has_left(leaving) {
                Ok(disk) => return disk.space.used(),
                Err(still) => leaving = still,
            }
            yield_now();
        }
    }
}
