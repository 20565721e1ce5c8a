// SPDX-License-Identifier: GPL-2.0-only

//! The cluster index: from a slot to its entry.
//!
//! An XArray maps cluster numbers to cluster objects, which are made on first use and go when
//! their last slot is given back. A slot that the swap core frees is marked only; the XArray's
//! mark is on the clusters that have such slots, for [`Index::sweep`]. Clusters with pages in the
//! ram tier are listed by the age of their oldest ones, for [`Index::coldest`]. In front of it,
//! each CPU remembers the object it used last.
//!
//! # Locking
//!
//! 1. the swap core's cluster lock (held around a slot-free notification)
//! 2. a cluster's lock (`Cluster::occupancy`)
//! 3. the XArray's lock; the lock around the lists by age (`Index::lists`)
//! 4. the lock of a disk's current cluster for movers (`disk`)
//! 5. the lock of a disk's free list (`disk`)
//!
//! None of them is held across compression or I/O; all may be taken in atomic context, none is
//! taken in interrupts. Look-ups and the marking of freed slots take none: cluster objects carry
//! the number of the cluster they are, and are freed, with their table, when a grace period is
//! over. So who found one under RCU with the number on it may use it. If that was the slot of a
//! page of zeros, which the swap core frees like others without having stored it, the cluster may
//! be going; then the mark is on an object that is no cluster any more.

use super::clock;
use super::cluster::{Cluster, Locked, NewForm, NotPut, TablePage};
use super::cpu::{PerCpu, Pinned};
use super::held::{Held, Moving, Owned, PinnedSlot};
use super::memory::ObjectCache;
use super::rcu::Reader;
use super::xarray::PointerArray;
use crate::engine::entry::{Content, Entry, Place};
use crate::engine::form::{Form, Home};
use crate::engine::generation::{Generation, Generations, GENERATIONS};
use crate::engine::last_used::{self, LastUsed};
use crate::engine::lists::{Links, Lists, Nodes};
use crate::engine::map::{Bits, PARTS, PART_BITS};
use crate::engine::slot::{ClusterNumber, Offset, Slot, SLOTS_PER_CLUSTER};
use crate::engine::table::Change;
use core::ptr::{self, NonNull};
use kernel::pr_err_once;
use kernel::prelude::*;
use kernel::sync::{new_spinlock, SpinLock};

/// Which look-ups the per-CPU object answered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// The object that the CPU used last was the right one.
    LastUsed,
    /// The XArray had to be walked, or the cluster made.
    Walked,
}

/// What [`Index::put`] or [`Index::empty`] did.
pub(crate) struct Replaced {
    /// The entry that was there.
    pub(crate) old: Owned,
    /// What that means for the number of slots in use.
    pub(crate) change: Change,
    /// How the clusters changed.
    pub(crate) clusters: Clusters,
    /// How the cluster was found.
    pub(crate) found: Found,
}

/// By how much the numbers of clusters changed.
#[derive(Clone, Copy, Default)]
pub(crate) struct Clusters {
    /// All clusters.
    pub(crate) all: i64,
    /// Those of them that are whole.
    pub(crate) whole: i64,
}

impl Clusters {
    fn made(&mut self, whole: bool, by: i64) {
        self.all = self.all.wrapping_add(by);
        if whole {
            self.whole = self.whole.wrapping_add(by);
        }
    }
}

/// What [`Index::mark_freed`] did.
pub(crate) struct Marked {
    /// How the cluster was found.
    pub(crate) found: Found,
    /// Whether no slot of the cluster waited for a sweep before.
    pub(crate) is_first: bool,
}

/// What slots held that were freed: those of one part of a cluster's map.
pub(crate) struct Swept {
    /// Slots that were marked.
    pub(crate) marks: usize,
    /// How the clusters changed.
    pub(crate) clusters: Clusters,
    /// Of a whole cluster: its home, and the slots that were in use, whose places there are the
    /// caller's to free. There are no entries then.
    pub(crate) whole: Option<(Home, Bits)>,
    /// How many of the entries there are.
    count: usize,
    entries: [Entry; PART_BITS],
}

impl Swept {
    /// Nothing.
    pub(crate) const fn new() -> Self {
        Self {
            marks: 0,
            clusters: Clusters { all: 0, whole: 0 },
            whole: None,
            count: 0,
            entries: [Entry::EMPTY; PART_BITS],
        }
    }

    fn push(&mut self, entry: Entry) {
        if let Some(place) = self.entries.get_mut(self.count) {
            *place = entry;
            self.count = self.count.wrapping_add(1);
        }
    }

    /// Slots that were in use.
    pub(crate) fn slots(&self) -> usize {
        self.whole
            .as_ref()
            .map_or(self.count, |(_, bits)| bits.len())
    }

    /// The next of the entries, which is the caller's to release.
    pub(crate) fn next(&mut self) -> Option<Owned> {
        self.count = self.count.checked_sub(1)?;
        let entry = self.entries.get(self.count)?;
        // SAFETY: it was taken out of its table, and comes here once. The swap core has freed the
        // slot; an object that a mover reads says so.
        Some(unsafe { Owned::new(*entry) })
    }
}

/// An entry that was not put into its slot.
pub(crate) struct NotStored {
    /// Why: `ENOMEM`: there was no memory for the slot's cluster. `EIO`: the cluster is damaged.
    pub(crate) error: Error,
    /// The entry that was to be put there.
    pub(crate) new: Owned,
    /// How the clusters changed all the same.
    pub(crate) clusters: Clusters,
}

/// Where a page of a cluster is best put on a disk.
pub(crate) enum Preference {
    /// There is no cluster yet.
    None,
    /// At its offset in that physical cluster.
    Home(Home),
    /// Anywhere.
    Anywhere,
}

/// What a mover wants to know of a cluster.
pub(crate) struct Overview {
    /// Which cluster.
    pub(crate) number: ClusterNumber,
    /// When a page was last stored in it, in seconds.
    pub(crate) stored: u32,
    /// Whether it has pages in the ram tier.
    pub(crate) has_ram: bool,
}

/// Which of a cluster's pages in the ram tier a mover takes.
#[derive(Clone, Copy)]
pub(crate) enum Which {
    /// Those of a generation, whose list has led to the cluster.
    Of(Generation),
    /// All, if nothing was stored in the cluster after that time, in seconds.
    StoredBy(u32),
}

/// What became of a cluster that was to be [taken](Index::take).
pub(crate) enum Taken {
    /// None of its pages is such a one, or it is to be come back to later.
    Nothing,
    /// It has such pages, which the caller has been given.
    Pages {
        /// Whether the cluster is to be whole once they are on a disk: most of its slots are in
        /// use, and for nothing but pages of the ram tier or at the home given.
        becomes_whole: bool,
        /// The home of those that are on a disk.
        home: Option<Home>,
    },
}

/// From how many slots in use on a cluster gets a physical cluster of its own, in which each page
/// has its own offset: less would leave too much of that unused.
const DENSE: usize = SLOTS_PER_CLUSTER / 4 * 3;

/// With fewer bytes to gain than that a cluster comes after the others of its generation.
const LITTLE: usize = 8192;

/// How a move ended.
pub(crate) enum Moved {
    /// The slot has the new entry. The old one may have readers until a grace period is over.
    Done {
        /// The old entry.
        old: Retired,
        /// How the clusters changed.
        clusters: Clusters,
    },
    /// The slot had been given another entry meanwhile, or was freed. What was to be its new
    /// entry, and, when that was left to the mover, the old one.
    TooLate {
        /// The new entry.
        new: Owned,
        /// The old entry.
        old: Owned,
    },
    /// A table is needed and `spare` was none. Nothing changed.
    NeedsTable(Owned),
}

/// An entry, or a table, that was replaced while it may have had readers.
#[must_use]
pub(crate) struct Retired<T = Owned>(T);

impl<T> Retired<T> {
    /// What was retired, when the caller has waited for a grace period, or for as long as the
    /// entry's readers take otherwise.
    pub(crate) fn after_readers(self) -> T {
        self.0
    }

    /// What was retired, to be looked at.
    pub(crate) fn get(&self) -> &T {
        &self.0
    }
}

/// The index. See the module.
#[pin_data(PinnedDrop)]
pub(crate) struct Index {
    #[pin]
    array: PointerArray<Cluster>,
    /// Which generations there are; changed with the lists' lock held.
    generations: Generations,
    /// Clusters with pages in the ram tier. Third in the lock order.
    #[pin]
    lists: SpinLock<Lists>,
    last_used: PerCpu<LastUsed>,
    // Last, so that it is dropped last: the objects of the others live in it.
    objects: ObjectCache<Cluster>,
}

impl Index {
    /// An empty index. May sleep.
    pub(crate) fn new() -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            array <- PointerArray::new(),
            generations: Generations::default(),
            lists <- new_spinlock!(Lists::default(), "vswap_lists"),
            last_used: PerCpu::new()?,
            objects: ObjectCache::new(c"vswap_cluster")?,
        })
    }

    /// The entry of a slot. Takes no lock and does not sleep. What the entry holds stays as
    /// long as the reader and the slot do.
    #[inline]
    pub(crate) fn load<'a>(
        &self,
        cpu: &Pinned,
        _reader: &'a Reader,
        pinned: &'a PinnedSlot<'_>,
    ) -> (Held<'a>, Found) {
        let slot = pinned.slot();
        let (entry, found) = match self.find(cpu, slot.cluster()) {
            Some((cluster, found)) if cluster.carried.is(slot.cluster()) => {
                if found == Found::Walked {
                    self.remember(cpu, cluster, slot.cluster());
                }
                // SAFETY: preemption is off, which makes this an RCU reader; the object
                // carries the number. The slot is pinned: if it is in use, it stays so, and
                // nobody reads one that is not.
                (unsafe { cluster.load(slot.offset()) }, found)
            }
            _ => (Entry::EMPTY, Found::Walked),
        };
        // SAFETY: the slot is pinned, so its entry is neither replaced nor freed meanwhile by
        // the swap core; a mover that replaces it waits for the reader before it frees.
        (unsafe { Held::new(entry) }, found)
    }

    /// Puts an entry, which is not the empty one, into a slot. Does not sleep.
    ///
    /// Gives the entry back when that can't be done; nothing changed then.
    #[inline]
    pub(crate) fn put(&self, cpu: &Pinned, slot: Slot, new: Owned) -> Result<Replaced, NotStored> {
        let number = slot.cluster();
        let entry = self.aged(new.entry());
        if let Some((cluster, found)) = self.find(cpu, number) {
            if let Some(mut locked) = cluster.lock(number) {
                if let Some(replaced) = locked.put_as_it_is(slot.offset(), entry) {
                    self.enlist(&mut locked, number, entry);
                    let clusters = Clusters::default();
                    return Ok(self.has_put(cpu, cluster, locked, found, slot, replaced, clusters));
                }
            }
        }
        self.put_slowly(cpu, slot, new)
    }

    /// An entry of a page that is stored now.
    #[inline]
    fn aged(&self, entry: Entry) -> Entry {
        if entry.is_raw() {
            entry.aged(self.generations.newest_raw())
        } else {
            entry.aged(self.generations.newest())
        }
    }

    /// Sees to it that a cluster is on a list which has got that entry.
    #[inline]
    fn enlist(&self, locked: &mut Locked<'_>, number: ClusterNumber, entry: Entry) {
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
    fn list(&self, locked: &mut Locked<'_>, number: ClusterNumber) {
        let generation = locked.occupancy().first_of(self.generations.by_age());
        self.list_as(locked, number, generation);
    }

    /// Puts a cluster at the end of that list, or on none.
    fn list_as(
        &self,
        locked: &mut Locked<'_>,
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

    /// Ends a put, of which `replaced` came.
    #[inline]
    #[allow(clippy::too_many_arguments, reason = "the end of two functions")]
    fn has_put(
        &self,
        cpu: &Pinned,
        cluster: &Cluster,
        locked: Locked<'_>,
        found: Found,
        slot: Slot,
        (old, change): (Entry, Change),
        clusters: Clusters,
    ) -> Replaced {
        locked.unmark(slot.offset());
        locked.touch(clock::seconds());
        drop(locked);
        if found == Found::Walked {
            self.remember(cpu, cluster, slot.cluster());
        }
        Replaced {
            // SAFETY: it was just taken out of its table. The swap core neither writes nor frees
            // a slot that is being read; an object that a mover reads says so.
            old: unsafe { Owned::new(old) },
            change,
            clusters,
            found,
        }
    }

    /// As [`put`](Self::put), when there is no cluster, or it needs a table.
    #[cold]
    #[inline(never)]
    fn put_slowly(&self, cpu: &Pinned, slot: Slot, new: Owned) -> Result<Replaced, NotStored> {
        let (number, entry) = (slot.cluster(), self.aged(new.entry()));
        let mut clusters = Clusters::default();
        let mut spare = None;
        let error = loop {
            let Some((cluster, found)) = self.find(cpu, number) else {
                // The cluster may go before the loop comes back to it; then another is made.
                match self.make(slot, entry) {
                    Ok(Some(whole)) => clusters.made(whole, 1),
                    Ok(None) => {}
                    Err(_) => break ENOMEM,
                }
                continue;
            };
            // If it went while its lock was waited for, it is out of the index now.
            let Some(mut locked) = cluster.lock(number) else {
                continue;
            };
            let whole = is_whole(&locked);
            let replaced = match locked.put(slot.offset(), entry, &mut spare) {
                Ok(replaced) => replaced,
                Err(NotPut::NeedsTable) => {
                    drop(locked);
                    spare = TablePage::new();
                    if spare.is_none() {
                        break ENOMEM;
                    }
                    continue;
                }
                Err(NotPut::NoForm) => {
                    pr_err_once!("a cluster is damaged; what is stored in it fails\n");
                    break EIO;
                }
            };
            if whole && !is_whole(&locked) {
                clusters.whole = clusters.whole.wrapping_sub(1);
            }
            self.enlist(&mut locked, number, entry);
            return Ok(self.has_put(cpu, cluster, locked, found, slot, replaced, clusters));
        };
        Err(NotStored {
            error,
            new,
            clusters,
        })
    }

    /// Empties a slot that the swap core has pinned, at once. Does not sleep.
    #[cold]
    pub(crate) fn empty(&self, cpu: &Pinned, slot: Slot) -> Replaced {
        let number = slot.cluster();
        let mut replaced = Replaced {
            old: Owned::EMPTY,
            change: Change::None,
            clusters: Clusters::default(),
            found: Found::Walked,
        };
        while let Some((cluster, found)) = self.find(cpu, number) {
            replaced.found = found;
            let Some(mut locked) = cluster.lock(number) else {
                continue;
            };
            locked.unmark(slot.offset());
            // A slot is emptied without a table.
            let Ok((old, change)) = locked.put(slot.offset(), Entry::EMPTY, &mut None) else {
                break;
            };
            // SAFETY: as in `put`.
            replaced.old = unsafe { Owned::new(old) };
            replaced.change = change;
            if change == Change::Freed && locked.occupancy().is_empty() {
                replaced.clusters.made(is_whole(&locked), -1);
                self.unpublish(locked, number);
                // SAFETY: the object has given up its number under the lock and is out of the
                // index; only this thread saw the last slot go, so only it gets here.
                unsafe { self.give_back(NonNull::from(cluster)) };
            }
            break;
        }
        replaced
    }

    /// Marks a slot that the swap core has freed; [`sweep`](Self::sweep) does the rest. Does not
    /// sleep.
    #[inline]
    pub(crate) fn mark_freed(&self, cpu: &Pinned, slot: Slot) -> Marked {
        if let Some(cluster) = self.find_last_used(cpu, slot.cluster()) {
            if !cluster.freed.mark(slot.offset()) {
                return Marked {
                    found: Found::LastUsed,
                    is_first: false,
                };
            }
        }
        self.mark_freed_slowly(cpu, slot)
    }

    /// As [`mark_freed`](Self::mark_freed), when the cluster has to be looked for, or noted.
    #[cold]
    #[inline(never)]
    fn mark_freed_slowly(&self, cpu: &Pinned, slot: Slot) -> Marked {
        let number = slot.cluster();
        let Some((cluster, found)) = self.find(cpu, number) else {
            // A page of zeros, which was never stored.
            return Marked {
                found: Found::LastUsed,
                is_first: false,
            };
        };
        let is_first = cluster.freed.mark(slot.offset()) && self.note(cluster, number);
        if found == Found::Walked {
            self.remember(cpu, cluster, number);
        }
        Marked { found, is_first }
    }

    /// Notes a cluster for a sweep. Says whether it was not noted before.
    #[cold]
    fn note(&self, cluster: &Cluster, number: ClusterNumber) -> bool {
        let Some(locked) = cluster.lock(number) else {
            return false;
        };
        let is_first = locked.note();
        if is_first {
            self.array.mark(index(number));
        }
        is_first
    }

    /// The first cluster of that number or a higher one in which slots were freed.
    pub(crate) fn freed(&self, from: u32) -> Option<ClusterNumber> {
        let (place, _) = self.array.find_marked(from as usize)?;
        ClusterNumber::new(u32::try_from(place).ok()?)
    }

    /// Empties the slots of a cluster that were freed. Gives what they held to `release`, some
    /// slots' at a time. Does not sleep.
    pub(crate) fn sweep(
        &self,
        number: ClusterNumber,
        swept: &mut Swept,
        mut release: impl FnMut(&Pinned, &mut Swept),
    ) {
        let begun = self.with_locked(&Pinned::new(), number, |locked| {
            self.array.unmark(index(number));
            locked.begin_sweep();
        });
        if begun.is_none() {
            return;
        }
        for part in 0..PARTS {
            let cpu = Pinned::new();
            loop {
                let Some((cluster, _)) = self.find(&cpu, number) else {
                    return;
                };
                if let Some(locked) = cluster.lock(number) {
                    break self.sweep_part(cluster, locked, number, part, swept);
                }
            }
            release(&cpu, swept);
        }
    }

    fn sweep_part(
        &self,
        cluster: &Cluster,
        mut locked: Locked<'_>,
        number: ClusterNumber,
        part: usize,
        swept: &mut Swept,
    ) {
        swept.clusters = Clusters::default();
        swept.count = 0;
        let freed = locked.take_freed(part);
        swept.marks = freed.len();
        swept.whole = locked.empty_whole(&freed);
        if swept.whole.is_none() {
            for offset in freed {
                if let Some((old, Change::Freed)) = locked.put_as_it_is(offset, Entry::EMPTY) {
                    swept.push(old);
                }
            }
        }
        if swept.slots() != 0 && locked.occupancy().is_empty() {
            swept.clusters.made(is_whole(&locked), -1);
            self.unpublish(locked, number);
            // SAFETY: as in `empty`.
            unsafe { self.give_back(NonNull::from(cluster)) };
        }
    }

    /// Where a slot's page is best put on a disk.
    #[inline]
    pub(crate) fn preference(&self, cpu: &Pinned, slot: Slot) -> Preference {
        // Without the lock: if the cluster changes, the page lies elsewhere, which is as well.
        match self
            .find(cpu, slot.cluster())
            .map(|(found, _)| found.form())
        {
            None => Preference::None,
            Some(Form::Whole(home)) => Preference::Home(home),
            Some(Form::Table(_) | Form::None) => Preference::Anywhere,
        }
    }

    /// The first cluster of that number or a higher one.
    pub(crate) fn overview(&self, cpu: &Pinned, from: u32) -> Option<Overview> {
        let mut next = from;
        loop {
            let (place, cluster) = self.array.find(next as usize)?;
            let number = ClusterNumber::new(u32::try_from(place).ok()?)?;
            let _ = cpu;
            // SAFETY: it was in the index while preemption was off, which as an RCU reader
            // keeps its memory an object.
            if let Some(locked) = unsafe { cluster.as_ref() }.lock(number) {
                return Some(Overview {
                    number,
                    stored: locked.stored(),
                    has_ram: locked.occupancy().has_ram(),
                });
            }
            next = number.index().checked_add(1)?;
        }
    }

    /// Calls `look` for each slot of a cluster that is in use, with the cluster's lock held.
    pub(crate) fn scan(
        &self,
        cpu: &Pinned,
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

    /// The home of a cluster, if it is whole.
    pub(crate) fn home(&self, cpu: &Pinned, number: ClusterNumber) -> Option<Home> {
        self.with_locked(cpu, number, |locked| match locked.form() {
            Form::Whole(home) => Some(home),
            Form::Table(_) | Form::None => None,
        })?
    }

    /// The cluster whose pages in the ram tier are to be written back next, and of which
    /// generation they are; perhaps there are none of that any more. Costs the same however many
    /// clusters there are.
    pub(crate) fn coldest(&self) -> Option<(ClusterNumber, Generation)> {
        let lists = self.lists.lock();
        let first = |generation| Some((lists.first(generation)?, generation));
        let found = self.generations.by_age().find_map(first)?;
        while self.generations.oldest() != found.1 {
            self.generations.end_oldest();
        }
        Some(found)
    }

    /// What is stored from now on is younger than what there is, if there is a label for that.
    pub(crate) fn begin_generation(&self) {
        let _lists = self.lists.lock();
        self.generations.begin();
    }

    /// Gives `take` the slots of those pages of a cluster, with its lock held. The cluster comes
    /// off the list of that generation, or to its end.
    pub(crate) fn take(
        &self,
        cpu: &Pinned,
        number: ClusterNumber,
        which: Which,
        mut take: impl FnMut(Slot),
    ) -> Taken {
        self.with_locked(cpu, number, |locked| {
            let generation = match which {
                Which::StoredBy(time) if locked.stored() > time => return Taken::Nothing,
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
            // The oldest of the pages that are left, by its place in the order of ages. What a mover
            // has is listed by that one, if it is not moved in the end.
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
    fn is_due(&self, locked: &mut Locked<'_>, number: ClusterNumber, of: Generation) -> bool {
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
    /// are in use, most of what they hold is that old, and the rest is of the next generation. What
    /// was swapped out in a row stays together so, though a generation began in between.
    fn go_together(&self, locked: &Locked<'_>, oldest: Generation) -> bool {
        let occupancy = locked.occupancy();
        let bytes = |generation| occupancy.bytes(generation);
        let all = self.generations.by_age().map(bytes);
        let next = self.generations.by_age().skip(1).take(1).map(bytes);
        let of_both = next.fold(bytes(oldest), usize::saturating_add);
        usize::from(occupancy.used()) >= DENSE
            && of_both == all.fold(0, usize::saturating_add)
            && bytes(oldest).saturating_mul(2) >= of_both
    }

    /// Puts a cluster on the list of its oldest pages in the ram tier, of which not all were begun
    /// with that were taken.
    pub(crate) fn relist(&self, cpu: &Pinned, number: ClusterNumber) {
        self.with_locked(cpu, number, |locked| self.list(locked, number));
    }

    /// Marks slots' objects as being read by a mover, as far as they are some and no other mover
    /// has them. Does not sleep.
    pub(crate) fn start_moves(
        &self,
        cpu: &Pinned,
        number: ClusterNumber,
        which: Which,
        slots: &[Slot],
        mut started: impl FnMut(Moving),
    ) {
        self.with_locked(cpu, number, |locked| {
            if matches!(which, Which::StoredBy(time) if locked.stored() > time) {
                return;
            }
            for slot in slots.iter().filter(|slot| slot.cluster() == number) {
                let Some(moving) = locked.get(slot.offset()).moving() else {
                    continue;
                };
                // A cluster with an object has a table.
                if locked.put_as_it_is(slot.offset(), moving).is_some() {
                    // SAFETY: just marked, so the object is freed by nobody else.
                    started(unsafe { Moving::new(*slot, moving) });
                }
            }
        });
    }

    /// Ends a move: the slot gets its new entry, if it still has the old one.
    pub(crate) fn finish_move(&self, cpu: &Pinned, moving: Moving, new: Owned) -> Moved {
        let (slot, expected) = (moving.slot(), moving.into_entry());
        match self.exchange_entry(cpu, slot, expected, new, &mut None) {
            Moved::TooLate { new, .. } => Moved::TooLate {
                new,
                // SAFETY: the entry is in no table any more, and who took it out of there left
                // its object to the mover, which is done with it.
                old: unsafe { Owned::new(expected.settled()) },
            },
            other => other,
        }
    }

    /// Ends a move that came to nothing: the slot keeps its object. Gives the object back when
    /// the slot was given another entry meanwhile, or was freed.
    pub(crate) fn abandon_move(&self, cpu: &Pinned, moving: Moving) -> Owned {
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
            // SAFETY: as in `finish_move`.
            unsafe { Owned::new(expected.settled()) }
        }
    }

    /// Gives a slot a new entry, if its page still lies at `place`. While no page can come to
    /// lie there anew, that means that it is the same page.
    pub(crate) fn exchange(
        &self,
        cpu: &Pinned,
        slot: Slot,
        place: Place,
        new: Owned,
        spare: &mut Option<TablePage>,
    ) -> Moved {
        self.exchange_entry(cpu, slot, Entry::disk(place), new, spare)
    }

    fn exchange_entry(
        &self,
        cpu: &Pinned,
        slot: Slot,
        expected: Entry,
        new: Owned,
        spare: &mut Option<TablePage>,
    ) -> Moved {
        let entry = new.entry();
        let result = self.with_locked(cpu, slot.cluster(), |locked| {
            if locked.get(slot.offset()) != expected {
                return Ok(None);
            }
            // It is as old as it was, or as old as any.
            let age = expected.generation().unwrap_or(self.generations.oldest());
            let entry = entry.aged(age);
            let whole = is_whole(locked);
            locked.put(slot.offset(), entry, spare)?;
            if entry.is_ram() && locked.occupancy().listed().is_none() {
                self.list(locked, slot.cluster());
            }
            let mut clusters = Clusters::default();
            if whole && !is_whole(locked) {
                clusters.whole = -1;
            }
            Ok(Some(clusters))
        });
        match result {
            Some(Ok(Some(clusters))) => Moved::Done {
                // SAFETY: it was just taken out of its table; `Retired` knows of the readers.
                old: Retired(unsafe { Owned::new(expected.settled()) }),
                clusters,
            },
            Some(Err(NotPut::NeedsTable)) => Moved::NeedsTable(new),
            Some(Ok(None) | Err(NotPut::NoForm)) | None => Moved::TooLate {
                new,
                old: Owned::EMPTY,
            },
        }
    }

    /// Turns a whole cluster's home into another, if it is still `from`. Gives the slots in
    /// use, through `used`, with the cluster's lock held; `false` when nothing changed.
    pub(crate) fn rehome(
        &self,
        cpu: &Pinned,
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

    /// Turns a cluster into a whole one if its pages lie so; gives the table.
    pub(crate) fn collapse(
        &self,
        cpu: &Pinned,
        number: ClusterNumber,
    ) -> Option<Retired<TablePage>> {
        self.with_locked(cpu, number, |locked| locked.collapse())?
            .map(Retired)
    }

    /// Calls `then` with a cluster's lock held, if there is such a cluster.
    fn with_locked<R>(
        &self,
        cpu: &Pinned,
        number: ClusterNumber,
        then: impl FnOnce(&mut Locked<'_>) -> R,
    ) -> Option<R> {
        loop {
            let (cluster, _) = self.find(cpu, number)?;
            if let Some(mut locked) = cluster.lock(number) {
                return Some(then(&mut locked));
            }
        }
    }

    /// Takes a cluster with no slot in use out of the index.
    fn unpublish(&self, mut locked: Locked<'_>, number: ClusterNumber) {
        if locked.occupancy().listed().is_some() {
            self.list_as(&mut locked, number, None);
        }
        locked.give_up();
        self.array.remove(index(number));
    }

    /// Empties every slot and gives what stood there to `release`. Nobody else uses the index.
    pub(crate) fn drain(&self, mut release: impl FnMut(Owned)) {
        let mut next = 0;
        while let Some((place, cluster)) = self.array.find(next) {
            next = place.wrapping_add(1);
            // SAFETY: the object is in the index, so it is alive; nobody else uses it.
            let cluster_ref = unsafe { cluster.as_ref() };
            let number = u32::try_from(place).ok().and_then(ClusterNumber::new);
            let Some((number, mut locked)) =
                number.and_then(|number| Some((number, cluster_ref.lock(number)?)))
            else {
                continue;
            };
            for offset in Offset::all() {
                if let Ok((old, _)) = locked.put(offset, Entry::EMPTY, &mut None) {
                    // SAFETY: it was just taken out of its table, and nobody else uses the
                    // index.
                    release(unsafe { Owned::new(old) });
                }
            }
            self.unpublish(locked, number);
            // SAFETY: as in `empty`.
            unsafe { self.give_back(cluster) };
        }
    }

    /// The object that is that cluster, or was a moment ago: the caller checks the number, with
    /// the object's lock held or a slot of the cluster in use.
    #[inline]
    fn find<'a>(&'a self, cpu: &'a Pinned, number: ClusterNumber) -> Option<(&'a Cluster, Found)> {
        if let Some(cluster) = self.find_last_used(cpu, number) {
            return Some((cluster, Found::LastUsed));
        }
        let cluster = self.array.load(index(number))?;
        // SAFETY: it was in the index while preemption was off, which as an RCU reader keeps its
        // memory an object.
        Some((unsafe { cluster.as_ref() }, Found::Walked))
    }

    /// As [`find`](Self::find), if it is the one that the CPU used last.
    #[inline]
    fn find_last_used<'a>(&'a self, cpu: &'a Pinned, number: ClusterNumber) -> Option<&'a Cluster> {
        let token = self.last_used.local(cpu).and_then(LastUsed::get)?;
        // SAFETY: what is remembered was an object of `self.objects` that had not been given
        // back, or is forgotten before it is; as preemption is off, RCU keeps its memory an
        // object.
        let cluster = unsafe { &*ptr::with_exposed_provenance::<Cluster>(token) };
        cluster.carried.is(number).then_some(cluster)
    }

    /// Has this CPU remember the object, unless that is no longer the cluster.
    fn remember(&self, cpu: &Pinned, cluster: &Cluster, number: ClusterNumber) {
        if let Some(last_used) = self.last_used.local(cpu) {
            let token = ptr::from_ref(cluster).expose_provenance();
            last_used.remember(token, || cluster.carried.is(number));
        }
    }

    /// Makes a cluster for an entry in a slot, and publishes it. Says whether it is a whole
    /// one, or `None` when somebody else just made one. Does not sleep.
    #[cold]
    fn make(&self, slot: Slot, entry: Entry) -> Result<Option<bool>> {
        let home = match entry.content() {
            Some(Content::Disk(place)) => Home::of(place, slot.offset()),
            _ => None,
        };
        let form = match home {
            Some(home) => NewForm::Whole(home),
            None => NewForm::Table(TablePage::new().ok_or(ENOMEM)?),
        };
        let cluster = self.objects.alloc().ok_or(ENOMEM)?;
        // SAFETY: a constructed object, and nobody else changes it before it is published.
        let cluster_ref = unsafe { cluster.as_ref() };
        cluster_ref.begin(slot.cluster(), form);
        match self.array.insert(index(slot.cluster()), cluster) {
            Ok(()) => Ok(Some(home.is_some())),
            Err(error) => {
                cluster_ref.carried.give_up();
                // SAFETY: it was never published and has no number any more.
                unsafe { self.give_back(cluster) };
                if error == EBUSY {
                    Ok(None)
                } else {
                    Err(error)
                }
            }
        }
    }

    /// Gives an object back, and its table if it has one, when a grace period is over.
    ///
    /// # Safety
    ///
    /// The object carries no number, is not in the index, none of its slots is in use, and
    /// nobody else gives it back.
    #[cold]
    unsafe fn give_back(&self, cluster: NonNull<Cluster>) {
        last_used::forget_everywhere(self.last_used.iter(), cluster.as_ptr().expose_provenance());
        // SAFETY: it came from `objects`, is unpublished and forgotten; the rest as this function
        // requires.
        unsafe { self.objects.free(cluster) };
    }
}

impl Nodes for Index {
    fn with(&self, number: ClusterNumber, then: impl FnOnce(&Links)) {
        if let Some(cluster) = self.array.load(index(number)) {
            // SAFETY: a cluster that is on a list is in the index, which it leaves after the list;
            // the lists' lock, which the caller holds, keeps it there.
            then(unsafe { cluster.as_ref().links() });
        }
    }
}

fn is_whole(locked: &Locked<'_>) -> bool {
    matches!(locked.form(), Form::Whole(_))
}

fn index(number: ClusterNumber) -> usize {
    // Lossless: the XArray's index has 64 bits, a cluster's number 23.
    number.index() as usize
}

#[pinned_drop]
impl PinnedDrop for Index {
    fn drop(self: Pin<&mut Self>) {
        // Whoever owns the index drains it first; what is left would be lost memory, not data.
        self.drain(drop);
    }
}
