// SPDX-License-Identifier: GPL-2.0-only

//! The cluster index: from a slot to its entry.
//!
//! A map has cluster objects by cluster numbers, which are made on first use and removed with
//! their last slot. A slot that the swap core frees is only marked; the map marks
//! the clusters that have such slots, for [`Index::sweep`]. Clusters with pages in the
//! ram tier are listed by the age of their oldest ones, for [`Index::coldest`]. In front of it,
//! each CPU remembers the object it used last.
//!
//! # Locking
//!
//! In the order of `docs/design.md` these are a cluster's lock, the lock around the lists by age, and
//! the map's own. None of them is held across compression or I/O; all may be taken in atomic
//! context, none is taken in interrupts. Look-ups and the marking of freed slots take none: cluster
//! objects carry the number of their cluster, and are dropped, with their table, a grace period after
//! their removal. So a reader that found one with the number on it may use it. If the slot was that of
//! a page of zeros, which the swap core frees like others without having stored it, the cluster may
//! be on its way out; then the mark is on an object that is no cluster any more.

pub mod ages;
mod cluster;
pub mod moves;
pub mod sweep;

use self::cluster::{Cluster, Locked, NewForm, NotPut};
use super::entry::{Content, Entry};
use super::form::{Form, Home};
use super::generation::Generations;
use super::held::{Held, Owned, PinnedSlot};
use super::last_used::{self, LastUsed};
use super::lists::{Links, Lists, Nodes};
use super::platform::{Lock, Map, PerCpu, Platform, Rank, TableMemory};
use super::slot::{ClusterNumber, Offset, Slot};
use super::table::Change;

/// The map of an index.
type Clusters<P> = <P as Platform>::Map<Cluster<P>, Links>;

/// A cluster object that was found.
type Object<'a, P> = <Clusters<P> as Map<Cluster<P>, Links>>::Found<'a>;

/// An object that was removed from the index.
type Removed<P> = <Clusters<P> as Map<Cluster<P>, Links>>::Removed;

/// How a look-up was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// The object that the CPU used last was the right one.
    LastUsed,
    /// The map was walked, or the cluster made.
    Walked,
}

/// What [`Index::put`] or [`Index::empty`] did.
#[derive(Debug)]
pub struct Replaced {
    /// The entry that was there.
    pub old: Owned,
    /// Its effect on the number of slots in use.
    pub change: Change,
    /// How the clusters changed.
    pub clusters: Counts,
    /// How the cluster was found.
    pub found: Found,
}

/// By how much the numbers of clusters changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All clusters.
    pub all: i64,
    /// Those of them that are whole.
    pub whole: i64,
}

impl Counts {
    fn made(&mut self, whole: bool, by: i64) {
        self.all = self.all.wrapping_add(by);
        if whole {
            self.whole = self.whole.wrapping_add(by);
        }
    }
}

/// Why an entry was not put into its slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There was no memory for the slot's cluster.
    NoMemory,
    /// The cluster is damaged.
    Damaged,
}

/// An entry that was not put into its slot.
#[derive(Debug)]
pub struct NotStored {
    /// The reason.
    pub why: Refusal,
    /// The entry that should have been put there.
    pub new: Owned,
    /// How the clusters changed nevertheless.
    pub clusters: Counts,
}

/// The best place for a page of a cluster on a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preference {
    /// There is no cluster yet.
    None,
    /// At its offset in that physical cluster.
    Home(Home),
    /// Anywhere.
    Anywhere,
}

/// The index. See the module.
pub struct Index<P: Platform> {
    clusters: Clusters<P>,
    /// The existing generations; changed with the lists' lock held.
    generations: Generations,
    /// Clusters with pages in the ram tier.
    lists: P::Lock<Lists>,
    last_used: P::PerCpu<LastUsed>,
}

impl<P: Platform> Index<P> {
    /// Bytes of a cluster's object.
    pub const CLUSTER_BYTES: usize = <Clusters<P> as Map<Cluster<P>, Links>>::BYTES;

    /// An empty index. `None`: no memory. May sleep.
    pub fn new() -> Option<Self> {
        Some(Self {
            clusters: Map::new(c"vswap_cluster")?,
            generations: Generations::default(),
            lists: Lock::new(Lists::default(), Rank::Lists),
            last_used: PerCpu::new()?,
        })
    }

    /// The entry of a slot. Takes no lock and does not sleep. What the entry holds lives as
    /// long as the reader and the slot do.
    #[inline]
    pub fn load<'a>(
        &self,
        cpu: &P::Cpu,
        _reader: &'a P::Reader,
        pinned: &'a PinnedSlot<'_>,
    ) -> (Held<'a>, Found) {
        let slot = pinned.slot();
        let (entry, found) = match self.find(cpu, slot.cluster()) {
            Some((cluster, found)) if cluster.carried.is(slot.cluster()) => {
                if found == Found::Walked {
                    self.remember(cpu, &cluster, slot.cluster());
                }
                // The slot is pinned: if it is in use, it stays so, and nobody reads one that is
                // not.
                (cluster.load(slot.offset()), found)
            }
            _ => (Entry::EMPTY, Found::Walked),
        };
        // The slot is pinned, so the swap core neither replaces nor frees its entry meanwhile;
        // a mover that replaces it waits for the reader before it frees.
        (Held::new(entry), found)
    }

    /// Puts an entry, which is not the empty one, into a slot. Does not sleep.
    ///
    /// Returns the entry when that fails; nothing has changed then.
    #[inline]
    pub fn put(&self, cpu: &P::Cpu, slot: Slot, new: Owned) -> Result<Replaced, NotStored> {
        let number = slot.cluster();
        let entry = self.aged(new.entry());
        if let Some((cluster, found)) = self.find(cpu, number) {
            if let Some(mut locked) = cluster.lock(number) {
                if let Some(replaced) = locked.put_as_it_is(slot.offset(), entry) {
                    self.enlist(&mut locked, number, entry);
                    let clusters = Counts::default();
                    return Ok(self.has_put(cpu, &cluster, locked, found, slot, replaced, clusters));
                }
            }
        }
        self.put_slowly(cpu, slot, new)
    }

    /// Ends a put that has replaced the entry.
    #[inline]
    #[allow(clippy::too_many_arguments, reason = "the end of two functions")]
    fn has_put(
        &self,
        cpu: &P::Cpu,
        cluster: &Cluster<P>,
        locked: Locked<'_, P>,
        found: Found,
        slot: Slot,
        (old, change): (Entry, Change),
        clusters: Counts,
    ) -> Replaced {
        locked.freed().unmark(slot.offset());
        locked.touch(P::seconds());
        drop(locked);
        if found == Found::Walked {
            self.remember(cpu, cluster, slot.cluster());
        }
        Replaced {
            // The swap core neither writes nor frees a slot that is being read; the entry says
            // whether a mover reads its object.
            old: Owned::taken(old),
            change,
            clusters,
            found,
        }
    }

    /// As [`put`](Self::put), when there is no cluster, or it needs a table.
    #[cold]
    #[inline(never)]
    fn put_slowly(&self, cpu: &P::Cpu, slot: Slot, new: Owned) -> Result<Replaced, NotStored> {
        let (number, entry) = (slot.cluster(), self.aged(new.entry()));
        let mut clusters = Counts::default();
        let mut spare = None;
        let why = loop {
            let Some((cluster, found)) = self.find(cpu, number) else {
                // The cluster may be removed before the loop comes back to it; then another is made.
                match self.make(slot, entry) {
                    Some(Some(whole)) => clusters.made(whole, 1),
                    Some(None) => {}
                    None => break Refusal::NoMemory,
                }
                continue;
            };
            // If it was removed while this waited for its lock, it is out of the index now.
            let Some(mut locked) = cluster.lock(number) else {
                continue;
            };
            let whole = locked.is_whole();
            let replaced = match locked.put(slot.offset(), entry, &mut spare) {
                Ok(replaced) => replaced,
                Err(NotPut::NeedsTable) => {
                    drop(locked);
                    spare = P::TableMemory::new();
                    if spare.is_none() {
                        break Refusal::NoMemory;
                    }
                    continue;
                }
                Err(NotPut::NoForm) => break Refusal::Damaged,
            };
            if whole && !locked.is_whole() {
                clusters.whole = clusters.whole.wrapping_sub(1);
            }
            self.enlist(&mut locked, number, entry);
            return Ok(self.has_put(cpu, &cluster, locked, found, slot, replaced, clusters));
        };
        Err(NotStored { why, new, clusters })
    }

    /// Empties a slot that the swap core has pinned, at once. Does not sleep.
    #[cold]
    pub fn empty(&self, cpu: &P::Cpu, slot: Slot) -> Replaced {
        let number = slot.cluster();
        let mut replaced = Replaced {
            old: Owned::EMPTY,
            change: Change::None,
            clusters: Counts::default(),
            found: Found::Walked,
        };
        while let Some((cluster, found)) = self.find(cpu, number) {
            replaced.found = found;
            let Some(mut locked) = cluster.lock(number) else {
                continue;
            };
            locked.freed().unmark(slot.offset());
            // Emptying a slot needs no table.
            let Ok((old, change)) = locked.put(slot.offset(), Entry::EMPTY, &mut None) else {
                break;
            };
            replaced.old = Owned::taken(old);
            replaced.change = change;
            if change == Change::Freed && locked.occupancy().is_empty() {
                replaced.clusters.made(locked.is_whole(), -1);
                // Only this thread saw the last slot go, so only it gets here.
                let removed = self.unpublish(locked, number);
                self.give_back(removed);
            }
            break;
        }
        replaced
    }

    /// The best place for a slot's page on a disk.
    #[inline]
    pub fn preference(&self, cpu: &P::Cpu, slot: Slot) -> Preference {
        // Without the lock: if the cluster changes, the page lies elsewhere, which is fine.
        match self
            .find(cpu, slot.cluster())
            .map(|(found, _)| found.form())
        {
            None => Preference::None,
            Some(Form::Whole(home)) => Preference::Home(home),
            Some(Form::Table(_) | Form::None) => Preference::Anywhere,
        }
    }

    /// Calls `look` for each slot of a cluster that is in use, with the cluster's lock held.
    pub fn scan(
        &self,
        cpu: &P::Cpu,
        number: ClusterNumber,
        mut look: impl FnMut(Slot, Option<Content>),
    ) {
        self.with_locked(cpu, number, |locked| {
            for offset in Offset::all() {
                let entry = locked.get(offset);
                if !entry.is_empty() {
                    look(number.slot(offset), entry.content());
                }
            }
        });
    }

    /// The current meaning of a slot's entry, which may change at any time. Does not sleep.
    pub fn peek(&self, cpu: &P::Cpu, slot: Slot) -> Option<Content> {
        self.with_locked(cpu, slot.cluster(), |locked| {
            locked.get(slot.offset()).content()
        })?
    }

    /// As [`peek`](Self::peek), of a slot and those behind it in the same cluster: `each` gets them in
    /// their order, until it says that this is enough, and must not sleep.
    pub fn peek_run(
        &self,
        cpu: &P::Cpu,
        slot: Slot,
        mut each: impl FnMut(Option<Content>) -> bool,
    ) {
        let _ = self.with_locked(cpu, slot.cluster(), |locked| {
            let mut next = slot;
            while next.cluster() == slot.cluster() && each(locked.get(next.offset()).content()) {
                next = next.next();
            }
        });
    }

    /// The home of a cluster, if it is whole.
    pub fn home(&self, cpu: &P::Cpu, number: ClusterNumber) -> Option<Home> {
        self.with_locked(cpu, number, |locked| match locked.form() {
            Form::Whole(home) => Some(home),
            Form::Table(_) | Form::None => None,
        })?
    }

    /// Calls `then` with a cluster's lock held, if there is such a cluster.
    fn with_locked<R>(
        &self,
        cpu: &P::Cpu,
        number: ClusterNumber,
        then: impl FnOnce(&mut Locked<'_, P>) -> R,
    ) -> Option<R> {
        loop {
            let (cluster, _) = self.find(cpu, number)?;
            let locked = cluster.lock(number);
            if let Some(mut locked) = locked {
                return Some(then(&mut locked));
            }
        }
    }

    /// Takes a cluster with no slot in use out of the index. Its object gives up its number first.
    fn unpublish(&self, mut locked: Locked<'_, P>, number: ClusterNumber) -> Option<Removed<P>> {
        if locked.occupancy().listed().is_some() {
            self.list_as(&mut locked, number, None);
        }
        locked.give_up();
        self.clusters.remove(number.index())
    }

    /// Empties every slot and passes the old entries to `release`. Nobody else uses the index.
    pub fn drain(&self, mut release: impl FnMut(Owned)) {
        let mut next = Some(0);
        while let Some(from) = next {
            let cpu = P::pin();
            let Some((place, cluster)) = self.clusters.first(&cpu, from) else {
                return;
            };
            next = place.checked_add(1);
            let Some((number, mut locked)) =
                ClusterNumber::new(place).and_then(|number| Some((number, cluster.lock(number)?)))
            else {
                continue;
            };
            for offset in Offset::all() {
                if let Ok((old, _)) = locked.put(offset, Entry::EMPTY, &mut None) {
                    release(Owned::taken(old));
                }
            }
            let removed = self.unpublish(locked, number);
            self.give_back(removed);
        }
    }

    /// The object that is that cluster, or was a moment ago: the caller checks the number, with
    /// the object's lock held or a slot of the cluster in use.
    #[inline]
    fn find<'a>(
        &'a self,
        cpu: &'a P::Cpu,
        number: ClusterNumber,
    ) -> Option<(Object<'a, P>, Found)> {
        if let Some(cluster) = self.find_last_used(cpu, number) {
            return Some((cluster, Found::LastUsed));
        }
        let cluster = self.clusters.load(cpu, number.index())?;
        Some((cluster, Found::Walked))
    }

    /// As [`find`](Self::find), if it is the one that the CPU used last.
    #[inline]
    fn find_last_used<'a>(
        &'a self,
        cpu: &'a P::Cpu,
        number: ClusterNumber,
    ) -> Option<Object<'a, P>> {
        let token = self.last_used.local(cpu).and_then(LastUsed::get)?;
        let cluster = self.clusters.remembered(cpu, token);
        cluster.carried.is(number).then_some(cluster)
    }

    /// Makes this CPU remember the object, unless that is no longer the cluster.
    fn remember(&self, cpu: &P::Cpu, cluster: &Cluster<P>, number: ClusterNumber) {
        if let Some(last_used) = self.last_used.local(cpu) {
            let token = Clusters::<P>::token(cluster);
            P::alone(cpu, || {
                last_used.remember(token, || cluster.carried.is(number));
            });
        }
    }

    /// Makes a cluster for an entry in a slot, and publishes it. Says whether it is a whole
    /// one, or nothing when another task just made it. `None`: no memory. Does not sleep.
    #[cold]
    fn make(&self, slot: Slot, entry: Entry) -> Option<Option<bool>> {
        let home = match entry.content() {
            Some(Content::Disk(place)) => Home::of(place, slot.offset()),
            _ => None,
        };
        let form = match home {
            Some(home) => NewForm::Whole(home),
            None => NewForm::Table(P::TableMemory::new()?),
        };
        let number = slot.cluster();
        let cluster = self.clusters.make(Cluster::new(number, form))?;
        let is_first = self.clusters.insert(number.index(), cluster)?;
        Some(is_first.then_some(home.is_some()))
    }

    /// Retires an object, and its table if it has one, until a grace period is over. It has given
    /// up its number, and none of its slots is in use.
    #[cold]
    fn give_back(&self, removed: Option<Removed<P>>) {
        if let Some(removed) = removed {
            let token = Clusters::<P>::token_of(&removed);
            last_used::forget_everywhere(self.last_used.iter(), token);
            self.clusters.retire(removed);
        }
    }
}

impl<P: Platform> Nodes for Index<P> {
    fn with(&self, number: ClusterNumber, then: impl FnOnce(&Links)) {
        // A cluster on a list is in the index, which it leaves after the list.
        self.clusters.with_links(number.index(), then);
    }
}

impl<P: Platform> Drop for Index<P> {
    fn drop(&mut self) {
        // The owner of the index drains it first; anything left would be lost memory, not data.
        self.drain(drop);
    }
}
