// SPDX-License-Identifier: GPL-2.0-only

//! Clusters by the age of their pages in the ram tier, for writeback.

use super::super::entry::{Content, Entry};
use super::super::form::Home;
use super::super::generation::{Generation, GENERATIONS};
use super::super::platform::{Lock, Map, Platform};
use super::super::slot::{ClusterNumber, Offset, Slot, SLOTS_PER_CLUSTER};
use super::cluster::Locked;
use super::Index;

/// A mover's view of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overview {
    /// Which cluster.
    pub number: ClusterNumber,
    /// When a page was last stored in it, in seconds.
    pub stored: u32,
    /// Whether it has pages in the ram tier.
    pub has_ram: bool,
}

/// Which of a cluster's pages in the ram tier a mover takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Those of a generation, whose list has led to the cluster.
    Of(Generation),
    /// All, if nothing was stored in the cluster after that time, in seconds.
    StoredBy(u32),
}

impl Which {
    /// Whether a cluster with the last store at that time is left alone.
    pub(super) fn spares(self, stored: u32) -> bool {
        matches!(self, Self::StoredBy(time) if stored > time)
    }
}

/// The result of [taking](Index::take) a cluster's pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It has no such pages, or comes back later.
    Nothing,
    /// It has such pages, which the caller has been given.
    Pages {
        /// Whether the cluster will be whole once they are on a disk: most of its slots are in
        /// use, and only by pages of the ram tier or at the home given.
        becomes_whole: bool,
        /// The home of those that are on a disk.
        home: Option<Home>,
    },
}

/// From that many slots in use on, a cluster gets a physical cluster of its own, in which each page
/// has its own offset: fewer would leave too much of that unused.
const DENSE: usize = SLOTS_PER_CLUSTER / 4 * 3;

/// With fewer bytes to gain, a cluster comes after the others of its generation.
const LITTLE: usize = 8192;

impl<P: Platform> Index<P> {
    /// An entry of a page that is stored now.
    #[inline]
    pub(super) fn aged(&self, entry: Entry) -> Entry {
        if entry.is_raw() {
            entry.aged(self.generations.newest_raw())
        } else {
            entry.aged(self.generations.newest())
        }
    }

    /// Makes sure that a cluster which has got that entry is on a list.
    #[inline]
    pub(super) fn enlist(&self, locked: &mut Locked<'_, P>, number: ClusterNumber, entry: Entry) {
        // Mostly it is on that of an older one, or of this one.
        let Some(generation) = entry.generation() else {
            return;
        };
        let listed = locked.occupancy().listed();
        if listed.is_none() || entry.is_raw() && listed != Some(generation) {
            self.list(locked, number);
        }
    }

    /// Puts a cluster on the list of its oldest pages in the ram tier, or on none.
    #[cold]
    #[inline(never)]
    pub(super) fn list(&self, locked: &mut Locked<'_, P>, number: ClusterNumber) {
        let generation = locked.occupancy().first_of(self.generations.by_age());
        self.list_as(locked, number, generation);
    }

    /// Puts a cluster at the end of that list, or on none.
    pub(super) fn list_as(
        &self,
        locked: &mut Locked<'_, P>,
        number: ClusterNumber,
        generation: Option<Generation>,
    ) {
        let occupancy = locked.occupancy_mut();
        let mut lists = self.lists.lock();
        if let Some(listed) = occupancy.listed() {
            lists.remove(listed, number, self);
        }
        occupancy.list(generation);
        if let Some(generation) = generation {
            lists.push(generation, number, self);
        }
    }

    /// The first cluster of that number or a higher one.
    pub fn overview(&self, cpu: &P::Cpu, from: u32) -> Option<Overview> {
        let mut next = from;
        loop {
            let (place, cluster) = self.clusters.first(cpu, next)?;
            let number = ClusterNumber::new(place)?;
            if let Some(locked) = cluster.lock(number) {
                return Some(Overview {
                    number,
                    stored: locked.stored(),
                    has_ram: locked.occupancy().has_ram(),
                });
            }
            next = number.index().checked_add(1)?;
        }
    }

    /// The cluster whose pages in the ram tier are to be written back next, and their
    /// generation; it may have none of that any more. Costs the same however many
    /// clusters there are.
    pub fn coldest(&self) -> Option<(ClusterNumber, Generation)> {
        let lists = self.lists.lock();
        let first = |generation| Some((lists.first(generation)?, generation));
        let found = self.generations.by_age().find_map(first)?;
        while self.generations.oldest() != found.1 {
            self.generations.end_oldest();
        }
        Some(found)
    }

    /// Stores from now on are younger than all before, if there is a label for that.
    pub fn begin_generation(&self) {
        let _lists = self.lists.lock();
        self.generations.begin();
    }

    /// Passes the slots of those pages of a cluster to `take`, with the cluster's lock held. The cluster
    /// comes off the list of that generation, or to its end.
    pub fn take(
        &self,
        cpu: &P::Cpu,
        number: ClusterNumber,
        which: Which,
        mut take: impl FnMut(Slot),
    ) -> Taken {
        self.with_locked(cpu, number, |locked| {
            if which.spares(locked.stored()) {
                return Taken::Nothing;
            }
            let generation = match which {
                Which::StoredBy(_) => None,
                Which::Of(generation) => Some(generation),
            };
            if let Some(generation) = generation {
                if !self.is_due(locked, number, generation) {
                    return Taken::Nothing;
                }
            }
            let (mut ram, mut disk, mut others) = (0usize, 0usize, 0usize);
            let mut home = None;
            // The oldest of the pages that are left, by its position in the order of ages. A page that a
            // mover has is listed by the mover if it is not moved in the end.
            let (mut taken, mut left) = (0usize, GENERATIONS);
            let age = |entry: Entry| {
                let mut ages = self.generations.by_age();
                let own = entry.generation();
                ages.position(|age| Some(age) == own).unwrap_or(0)
            };
            let together = generation.is_none_or(|oldest| self.go_together(locked, oldest));
            for offset in Offset::all() {
                let entry = locked.get(offset);
                match entry.content() {
                    Some(Content::Empty) => {}
                    // Another mover has it.
                    Some(Content::Ram(_)) if entry.is_moving() => ram = ram.saturating_add(1),
                    Some(Content::Ram(_)) => {
                        ram = ram.saturating_add(1);
                        if together || entry.generation() == generation {
                            taken = taken.saturating_add(1);
                            take(number.slot(offset));
                        } else {
                            left = left.min(age(entry));
                        }
                    }
                    Some(Content::Disk(place)) => {
                        let here = Home::of(place, offset);
                        disk = disk.saturating_add(1);
                        if here.is_none() || home.is_some() && home != here {
                            others = others.saturating_add(1);
                        }
                        home = here;
                    }
                    _ => others = others.saturating_add(1),
                }
            }
            if generation.is_some() {
                let left = self.generations.by_age().nth(left);
                self.list_as(locked, number, left);
            }
            if taken == 0 {
                return Taken::Nothing;
            }
            Taken::Pages {
                becomes_whole: others == 0 && ram.saturating_add(disk) >= DENSE,
                home: home.filter(|_| others == 0),
            }
        })
        .unwrap_or(Taken::Nothing)
    }

    /// Whether a cluster's pages of the generation are to be taken now. If not, it is put where it
    /// belongs, or, if there is little to gain, at the end of its list, once.
    fn is_due(&self, locked: &mut Locked<'_, P>, number: ClusterNumber, of: Generation) -> bool {
        let bytes = locked.occupancy().bytes(of);
        if bytes == 0 || locked.occupancy().listed() != Some(of) {
            self.list(locked, number);
            return false;
        }
        if bytes < LITTLE && !locked.occupancy_mut().pass() {
            let mut lists = self.lists.lock();
            lists.remove(of, number, self);
            lists.push(of, number, self);
            return false;
        }
        true
    }

    /// Whether all of a cluster's pages in the ram tier go with its oldest ones: when most slots
    /// are in use, most of their bytes are that old, and the rest is of the next generation. So pages
    /// that were swapped out together stay together, even if a generation began in between.
    fn go_together(&self, locked: &Locked<'_, P>, oldest: Generation) -> bool {
        let occupancy = locked.occupancy();
        let bytes = |generation| occupancy.bytes(generation);
        let all = self.generations.by_age().map(bytes);
        let next = self.generations.by_age().skip(1).take(1).map(bytes);
        let of_both = next.fold(bytes(oldest), usize::saturating_add);
        usize::from(occupancy.used()) >= DENSE
            && of_both == all.fold(0, usize::saturating_add)
            && bytes(oldest).saturating_mul(2) >= of_both
    }

    /// Puts a cluster on the list of its oldest pages in the ram tier, after some of the pages that
    /// were taken from it were not moved.
    pub fn relist(&self, cpu: &P::Cpu, number: ClusterNumber) {
        self.with_locked(cpu, number, |locked| self.list(locked, number));
    }
}
