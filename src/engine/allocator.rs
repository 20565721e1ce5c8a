// SPDX-License-Identifier: GPL-2.0-only

//! Which slots of a disk are in use, and which to use next.
//!
//! A disk is divided into clusters of 512 slots. A CPU allocates in its current cluster in
//! ascending order, so that consecutive writes lie in consecutive slots, and takes a free cluster
//! when that has no room left. When no cluster is free, it continues in any with room.
//!
//! A slot is claimed and freed by its bit in the cluster's [map](super::map), without a lock.
//! Each cluster counts its slots in use, in one word with the rest of its state:
//!
//! - A claim counts first and then sets bits; a free clears the bit first and then counts.
//!   So the count is never below the number of set bits; whoever has added `n` to the count, out of
//!   those that were left, finds `n` clear bits in the cluster.
//! - A claim that fails undoes its count. That can empty a cluster, if the
//!   last slot in use was freed meanwhile.
//! - Whoever counts a cluster down to none in use puts it on the free list, unless it is there
//!   already, or is held, in which case letting go does. So **a cluster that is empty and not held
//!   is fresh or on the list**, once pending operations are done.
//! - The opposite may be wrong: a cluster on the list can be in use again, since anybody may
//!   claim anywhere. That does no harm, as nobody relies on the list: taking a cluster
//!   skips those in use, and a slot is claimed by its bit in any case.
//! - Whoever counts a full cluster down marks its group of 64 in the [summary](Summary). Whoever
//!   fills a cluster, or looks for room, clears the mark of a group without room, and
//!   then looks once more. So **a group that has room is marked**, once pending operations
//!   are done: a search for room need not look at all clusters, and one word for 2 million
//!   slots tells a full disk.

use super::map::{Bits, SlotMap};
use super::segment::{Segment, SEGMENT_SLOTS};
use super::slot::{Offset, PhysicalCluster, PhysicalSlot, SLOTS_PER_CLUSTER};
use super::sync::{AtomicU32, AtomicU64, Ordering};

/// How often an allocation that finds nothing although there was room tries elsewhere. Only others'
/// claims make it try again, so all that matters is that it ends.
const TRIES: usize = 64;

/// The most clusters that are searched for a segment.
const SEGMENT_TRIES: usize = 16;

/// A cluster's state besides its map. Zeroed memory is a cluster with no slot in use.
#[derive(Debug, Default)]
pub struct ClusterState {
    /// A [`Word`]. The counts change at any time, the flags under the free list's lock.
    word: AtomicU32,
    /// The next cluster on the free list, while this is on it and not the last. Guarded by
    /// the free list's lock.
    next: AtomicU32,
}

#[cfg(not(loom))]
const _: () = assert!(size_of::<ClusterState>() == 8);

/// Which of 64 groups of 64 clusters may have room.
#[derive(Debug, Default)]
pub struct Summary(AtomicU64);

/// Clusters in a group, and groups in a word.
const GROUP: usize = 64;

/// The most groups that are searched for one with room. Marks without room are rare: two tasks
/// that fill the last two clusters of a group at the same time leave one.
const LOOKS: usize = 4;

/// A cluster's state:
///
/// ```text
///   bit 22      21     20       19..10   9..0
///   DISCARDED   HELD   LISTED   lost     used
/// ```
///
/// `used` slots are in use or about to be; `lost` ones are never used: reserved or retired.
/// Together they are 512 at most. `DISCARDED`: the disk was told that the cluster holds nothing, and no slot
/// was claimed since; each change of the counts clears it.
#[derive(Clone, Copy)]
struct Word(u32);

const COUNT_BITS: u32 = 10;
const COUNT_MASK: u32 = (1 << COUNT_BITS) - 1;
const LISTED: u32 = 1 << (2 * COUNT_BITS);
const HELD: u32 = LISTED << 1;
const DISCARDED: u32 = HELD << 1;

const _: () = assert!(SLOTS_PER_CLUSTER <= COUNT_MASK as usize);

impl Word {
    const fn used(self) -> usize {
        (self.0 & COUNT_MASK) as usize
    }

    const fn lost(self) -> usize {
        ((self.0 >> COUNT_BITS) & COUNT_MASK) as usize
    }

    /// Slots that can be claimed.
    fn room(self) -> usize {
        SLOTS_PER_CLUSTER
            .saturating_sub(self.used())
            .saturating_sub(self.lost())
    }

    const fn is_held(self) -> bool {
        self.0 & HELD != 0
    }

    const fn is_listed(self) -> bool {
        self.0 & LISTED != 0
    }

    /// Whether the cluster belongs on the free list, or is on it.
    fn is_free(self) -> bool {
        self.used() == 0 && self.room() > 0 && !self.is_held()
    }

    /// The same flags with other counts, or `None` when there are not that many slots.
    fn counting(self, used: usize, lost: usize) -> Option<Self> {
        if used.saturating_add(lost) > SLOTS_PER_CLUSTER {
            return None;
        }
        let (used, lost) = (u32::try_from(used).ok()?, u32::try_from(lost).ok()?);
        let flags = self.0 & (LISTED | HELD);
        Some(Self(flags | (lost << COUNT_BITS) | used))
    }
}

impl ClusterState {
    fn word(&self) -> Word {
        Word(self.word.load(Ordering::Acquire))
    }

    /// Changes the word, and returns the old and the new one, or `None` when it stays.
    fn update(&self, change: impl Fn(Word) -> Option<Word>) -> Option<(Word, Word)> {
        let update = |word| change(Word(word)).map(|word| word.0);
        let before = self
            .word
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, update);
        let before = Word(before.ok()?);
        Some((before, change(before)?))
    }

    /// Counts `least` to `most` slots as used, and returns how many, and whether the
    /// cluster is full then. As many bits of the map are clear.
    fn count_up(&self, least: usize, most: usize) -> Option<(usize, bool)> {
        let least = least.max(1);
        let (before, after) = self.update(|word| {
            let count = most.min(word.room());
            if count < least {
                return None;
            }
            word.counting(word.used().saturating_add(count), word.lost())
        })?;
        Some((
            after.used().saturating_sub(before.used()),
            after.room() == 0,
        ))
    }

    /// Counts slots as no longer used, `lost` of them as lost. Returns the old and the new word.
    fn count_down(&self, count: usize, lost: usize) -> Option<(Word, Word)> {
        self.update(|word| {
            let used = word.used().checked_sub(count)?;
            word.counting(used, word.lost().saturating_add(lost))
        })
    }

    /// Takes the cluster off the free list and holds it, or says that it isn't free. Called under
    /// the free list's lock. This is one step, so that whoever empties the cluster either left it
    /// on the list for this, or finds it off the list.
    fn take(&self) -> bool {
        let taken = self.update(|word| {
            let word = Word(word.0 & !LISTED);
            let held = if word.is_free() { HELD } else { 0 };
            Some(Word(word.0 | held))
        });
        taken.is_some_and(|(before, after)| after.is_held() && !before.is_held())
    }

    /// Counts slots that were never used as lost.
    fn reserve(&self, count: usize) {
        self.update(|word| word.counting(word.used(), word.lost().saturating_add(count)));
    }

    /// Sets a flag. Called under the free list's lock.
    fn raise(&self, flag: u32) {
        self.word.fetch_or(flag, Ordering::AcqRel);
    }

    /// Clears a flag. Called under the free list's lock.
    fn lower(&self, flag: u32) {
        self.word.fetch_and(!flag, Ordering::AcqRel);
    }
}

/// The free clusters: those that have never been taken, from `fresh` on, and a list of
/// others. Guarded by a lock of the caller: a reference to it proves that the lock is held.
#[derive(Debug, Default)]
pub struct FreeList {
    /// The first and the last on the list.
    ends: Option<(PhysicalCluster, PhysicalCluster)>,
    /// The number of the first cluster that was never taken.
    fresh: u32,
}

/// The lock around a disk's free list: a spinlock in the module.
pub trait FreeListLock {
    /// Calls `change` with the lock held.
    fn with<R>(&self, change: impl FnOnce(&mut FreeList) -> R) -> R;
}

/// The cluster in which segments are claimed, and where in it to continue. Guarded by a lock of the caller.
#[derive(Debug, Default)]
pub struct SegmentCursor {
    cluster: Option<PhysicalCluster>,
    index: usize,
}

impl SegmentCursor {
    const fn start(cluster: PhysicalCluster) -> Self {
        Self {
            cluster: Some(cluster),
            index: 0,
        }
    }
}

/// Where a search for a cluster with room continues.
#[derive(Debug, Default)]
pub struct Cursor(AtomicU32);

/// A cluster that is held: it isn't put on the free list when it empties. The owner of this must
/// [let go](Space::let_go) of it.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub struct HeldCluster(PhysicalCluster);

impl HeldCluster {
    /// Which one.
    pub const fn number(&self) -> PhysicalCluster {
        self.0
    }
}

/// The result of freeing or retiring a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Freed {
    /// It is not in use, or no slot of the disk: the caller has miscounted.
    NotInUse,
    /// It is no longer in use.
    Done,
    /// It is no longer in use, nor is any in its cluster, which the caller must
    /// [put on the free list](Space::put_free).
    Emptied(PhysicalCluster),
}

impl Freed {
    /// What freeing comes to that has left the cluster in that state: it is emptied if it belongs on the
    /// free list and is not on it.
    fn so(cluster: PhysicalCluster, after: Word) -> Self {
        // The flags were read at the same moment, so a held cluster is let go later.
        if after.is_free() && !after.is_listed() {
            Self::Emptied(cluster)
        } else {
            Self::Done
        }
    }
}

/// Why nothing was claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Refused {
    /// There is no such room.
    NoRoom,
    /// There is no such room, and meanwhile the last slot in use in the cluster was freed: the caller
    /// must [put it on the free list](Space::put_free).
    Emptied(PhysicalCluster),
}

fn group_of(cluster: PhysicalCluster) -> usize {
    cluster.index() as usize / GROUP
}

/// A group's place in its word.
#[allow(clippy::cast_possible_truncation, reason = "a word has 64 bits")]
const fn within(group: usize) -> u32 {
    // Lossless: below `GROUP`.
    (group % GROUP) as u32
}

fn bit_of(group: usize) -> u64 {
    1u64.wrapping_shl(within(group))
}

/// A disk's clusters. The caller owns the memory.
#[derive(Clone, Copy, Debug)]
pub struct Space<'a> {
    maps: &'a [SlotMap],
    states: &'a [ClusterState],
    summary: &'a [Summary],
    slots: u32,
}

impl<'a> Space<'a> {
    /// How many maps and states a disk of that many slots needs.
    pub const fn clusters(slots: u32) -> usize {
        (slots as usize).div_ceil(SLOTS_PER_CLUSTER)
    }

    /// How many words the summary of a disk of that many slots has.
    pub const fn summaries(slots: u32) -> usize {
        Self::clusters(slots).div_ceil(GROUP * GROUP)
    }

    /// A disk of `slots` slots, slot 0 included. `None` if a cluster lacks a map or a state, or
    /// there is no summary of all.
    pub fn new(
        maps: &'a [SlotMap],
        states: &'a [ClusterState],
        summary: &'a [Summary],
        slots: u32,
    ) -> Option<Self> {
        let clusters = Self::clusters(slots);
        let fits = maps.len() == clusters
            && states.len() == clusters
            && summary.len() == Self::summaries(slots);
        fits.then_some(Self {
            maps,
            states,
            summary,
            slots,
        })
    }

    /// Makes the disk ready for use. The maps and states are zeroed memory.
    ///
    /// Reserves slot 0, which is the disk's signature, and the part of the last cluster
    /// beyond the disk's end. Touches no other cluster.
    pub fn prepare(&self, list: &mut FreeList) {
        *list = FreeList::default();
        (0..self.groups()).for_each(|group| self.mark(group));
        let (Some(first), Some(last)) = (self.maps.first(), self.maps.last()) else {
            return;
        };
        let reserve = |map: &SlotMap, state: Option<&ClusterState>, from, count| {
            if map.claim_exact(from, count) {
                state.into_iter().for_each(|state| state.reserve(count));
            }
        };
        reserve(first, self.states.first(), Offset::FIRST, 1);
        let end = PhysicalSlot::new(self.slots).offset();
        if end != Offset::FIRST {
            let beyond = SLOTS_PER_CLUSTER.saturating_sub(end.index());
            reserve(last, self.states.last(), end, beyond);
        }
    }

    fn state(&self, cluster: PhysicalCluster) -> Option<&'a ClusterState> {
        self.states.get(cluster.index() as usize)
    }

    /// A cluster's map.
    pub fn map(&self, cluster: PhysicalCluster) -> Option<&'a SlotMap> {
        self.maps.get(cluster.index() as usize)
    }

    /// Whether the slot is in use, lost, or no slot of the disk.
    pub fn is_taken(&self, slot: PhysicalSlot) -> bool {
        self.map(slot.cluster())
            .is_none_or(|map| map.test(slot.offset()))
    }

    /// A free cluster, which is then held and on no list: one that was never taken, in ascending
    /// order, or else the one that has been on the list for longest. Clusters in use are skipped,
    /// and return to the list when they empty.
    pub fn take_free(&self, list: &mut FreeList) -> Option<HeldCluster> {
        while let Some(cluster) = PhysicalCluster::new(list.fresh) {
            let Some(state) = self.state(cluster) else {
                break;
            };
            list.fresh = list.fresh.saturating_add(1);
            if state.take() {
                return Some(HeldCluster(cluster));
            }
        }
        while let Some((first, last)) = list.ends {
            let state = self.state(first)?;
            list.ends = if first == last {
                None
            } else {
                let next = PhysicalCluster::new(state.next.load(Ordering::Relaxed));
                next.map(|next| (next, last))
            };
            if state.take() {
                return Some(HeldCluster(first));
            }
        }
        None
    }

    /// Puts a cluster on the list if it is empty, not held and not on it. Says whether it did.
    pub fn put_free(&self, cluster: PhysicalCluster, list: &mut FreeList) -> bool {
        let Some(state) = self.state(cluster) else {
            return false;
        };
        let word = state.word();
        if cluster.index() >= list.fresh || word.is_listed() || !word.is_free() {
            return false;
        }
        state.raise(LISTED);
        list.ends = Some(match list.ends {
            None => (cluster, cluster),
            Some((first, last)) => {
                if let Some(last) = self.state(last) {
                    last.next.store(cluster.index(), Ordering::Relaxed);
                }
                (first, cluster)
            }
        });
        true
    }

    /// Holds a cluster, unless it is held already.
    pub fn hold(&self, cluster: PhysicalCluster, _list: &mut FreeList) -> Option<HeldCluster> {
        let state = self.state(cluster)?;
        if state.word().is_held() {
            return None;
        }
        state.raise(HELD);
        Some(HeldCluster(cluster))
    }

    /// Lets go of a cluster, and puts it on the free list if it is empty.
    pub fn let_go(&self, held: HeldCluster, list: &mut FreeList) {
        if let Some(state) = self.state(held.0) {
            state.lower(HELD);
            self.put_free(held.0, list);
        }
    }

    #[inline]
    fn claim(
        &self,
        cluster: PhysicalCluster,
        (least, most): (usize, usize),
        claim: impl FnOnce(&SlotMap, usize) -> Option<(Offset, usize)>,
    ) -> Result<(PhysicalSlot, usize), Refused> {
        let (Some(map), Some(state)) = (self.map(cluster), self.state(cluster)) else {
            return Err(Refused::NoRoom);
        };
        let (counted, is_full) = state.count_up(least, most).ok_or(Refused::NoRoom)?;
        let (first, count) = match claim(map, counted) {
            Some(claimed) => claimed,
            None => match self.count_down(cluster, state, counted, 0) {
                Freed::Emptied(cluster) => return Err(Refused::Emptied(cluster)),
                Freed::Done | Freed::NotInUse => return Err(Refused::NoRoom),
            },
        };
        if count < counted {
            // What was claimed still counts, so this doesn't empty the cluster.
            let _ = self.count_down(cluster, state, counted.saturating_sub(count), 0);
        } else if is_full {
            self.look(group_of(cluster));
        }
        Ok((cluster.slot(first), count))
    }

    /// Claims the `count` slots from `from` on, or none.
    #[inline]
    pub fn claim_at(
        &self,
        cluster: PhysicalCluster,
        from: Offset,
        count: usize,
    ) -> Result<(), Refused> {
        self.claim(cluster, (count, count), |map, count| {
            map.claim_exact(from, count).then_some((from, count))
        })
        .map(|_| ())
    }

    /// Claims the cluster's first free slot at or after `from` and those that follow it without
    /// a gap, at most `want`. Returns the first one and their number, which is at least 1.
    pub fn claim_run(
        &self,
        cluster: PhysicalCluster,
        from: Offset,
        want: usize,
    ) -> Result<(PhysicalSlot, usize), Refused> {
        self.claim(cluster, (1, want), |map, want| map.claim_run(from, want))
    }

    /// Claims the cluster's first `count` consecutive free slots at or after `from`. Returns the
    /// first one.
    pub fn claim_whole_run(
        &self,
        cluster: PhysicalCluster,
        from: Offset,
        count: usize,
    ) -> Result<PhysicalSlot, Refused> {
        self.claim(cluster, (count, count), |map, count| {
            Some((map.claim_whole_run(from, count)?, count))
        })
        .map(|(slot, _)| slot)
    }

    /// Counts slots as no longer used, `lost` of them as lost, and marks the group of a cluster that
    /// had no room before.
    #[inline]
    fn count_down(
        &self,
        cluster: PhysicalCluster,
        state: &ClusterState,
        count: usize,
        lost: usize,
    ) -> Freed {
        let Some((before, after)) = state.count_down(count, lost) else {
            return Freed::Done;
        };
        if before.room() == 0 && after.room() != 0 {
            self.mark(group_of(cluster));
        }
        Freed::so(cluster, after)
    }

    fn groups(&self) -> usize {
        self.states.len().div_ceil(GROUP)
    }

    fn mark(&self, group: usize) {
        if let Some(word) = self.summary.get(group / GROUP) {
            word.0.fetch_or(bit_of(group), Ordering::AcqRel);
        }
    }

    /// The first cluster with room in a group, from `from` on.
    fn in_group(&self, from: usize) -> Option<usize> {
        let end = (from / GROUP).saturating_add(1).saturating_mul(GROUP);
        let end = end.min(self.states.len());
        let states = self.states.get(from..end)?;
        // A bounded range counts without a check that could panic.
        (from..end)
            .zip(states)
            .find(|(_, state)| state.word().room() != 0)
            .map(|(cluster, _)| cluster)
    }

    /// A cluster with room in a group. Clears the mark of a group that has none.
    #[cold]
    fn look(&self, group: usize) -> Option<usize> {
        let first = group.saturating_mul(GROUP);
        self.in_group(first).or_else(|| {
            let word = self.summary.get(group / GROUP)?;
            word.0.fetch_and(!bit_of(group), Ordering::AcqRel);
            // A free that marked it before this is visible here, and a later
            // one marks it again.
            self.in_group(first).inspect(|_| self.mark(group))
        })
    }

    /// The marked groups, from one on, and then those before it.
    fn marked(&self, from: usize) -> impl Iterator<Item = usize> + '_ {
        let part = move |mut next: usize, end: usize| {
            core::iter::from_fn(move || {
                while next < end {
                    let word = self.summary.get(next / GROUP)?.0.load(Ordering::Acquire);
                    let past = next % GROUP;
                    let left = word & u64::MAX.wrapping_shl(within(next));
                    let first = next.saturating_sub(past);
                    if left == 0 {
                        next = first.saturating_add(GROUP);
                        continue;
                    }
                    let group = first.saturating_add(left.trailing_zeros() as usize);
                    next = group.saturating_add(1);
                    return Some(group).filter(|group| *group < end);
                }
                None
            })
        };
        part(from, self.groups()).chain(part(0, from))
    }

    /// Whether there is no room anywhere.
    fn is_full(&self, cursor: &Cursor) -> bool {
        self.marked(cursor.0.load(Ordering::Relaxed) as usize / GROUP)
            .next()
            .is_none()
    }

    /// The map and state of a slot's cluster, unless the slot is reserved.
    fn of(&self, slot: PhysicalSlot) -> Option<(&'a SlotMap, &'a ClusterState)> {
        if !(1..self.slots).contains(&slot.number()) {
            return None;
        }
        Some((self.map(slot.cluster())?, self.state(slot.cluster())?))
    }

    /// Frees a slot, which its owner no longer uses.
    pub fn free(&self, slot: PhysicalSlot) -> Freed {
        match self.of(slot) {
            Some((map, state)) if map.clear(slot.offset()) => {
                self.count_down(slot.cluster(), state, 1, 0)
            }
            _ => Freed::NotInUse,
        }
    }

    /// Frees slots of one cluster, which their owner no longer uses. Returns how many of them were in
    /// use.
    pub fn free_bits(&self, cluster: PhysicalCluster, bits: &Bits) -> (usize, Freed) {
        let (Some(map), Some(state)) = (self.map(cluster), self.state(cluster)) else {
            return (0, Freed::NotInUse);
        };
        match map.clear_bits(bits).len() {
            0 => (0, Freed::NotInUse),
            count => (count, self.count_down(cluster, state, count, 0)),
        }
    }

    /// Retires a slot in use, which its owner no longer uses: its bit stays set for ever. It must
    /// not be freed or retired again, which would go unnoticed.
    pub fn retire(&self, slot: PhysicalSlot) -> Freed {
        match self.of(slot) {
            Some((map, state)) if map.test(slot.offset()) => {
                self.count_down(slot.cluster(), state, 1, 1)
            }
            _ => Freed::NotInUse,
        }
    }

    /// The next cluster after the cursor with slots that can be claimed, whether it is held, on the
    /// free list, or neither. For when no cluster is free, so that no slot is out of reach: in a cluster
    /// that another CPU holds, or that is partly used and not held.
    ///
    /// Looks at the summary, a word for 4096 clusters, and at 320 clusters at most, and takes no
    /// lock. May overlook concurrent frees until they are done.
    pub fn find_partial(&self, cursor: &Cursor) -> Option<PhysicalCluster> {
        let start = cursor.0.load(Ordering::Relaxed) as usize;
        let here = self.in_group(start).filter(|_| start % GROUP != 0);
        let found = here.or_else(|| {
            // Bounded by a range, which counts without a check that could panic.
            let from = start.saturating_add(GROUP - 1) / GROUP;
            (0..LOOKS)
                .zip(self.marked(from))
                .find_map(|(_, group)| self.look(group))
        })?;
        let found = u32::try_from(found).ok()?;
        cursor.0.store(found.saturating_add(1), Ordering::Relaxed);
        PhysicalCluster::new(found)
    }

    /// Slots in use, including those about to be. Walks over all clusters.
    pub fn used(&self) -> u64 {
        self.sum(Word::used)
    }

    /// Slots that are or can be in use: neither reserved nor retired. Walks over all clusters.
    pub fn capacity(&self) -> u64 {
        self.sum(|word| SLOTS_PER_CLUSTER.saturating_sub(word.lost()))
    }

    /// Slots retired. Walks over all clusters.
    pub fn retired(&self) -> u64 {
        u64::from(self.slots.saturating_sub(1)).saturating_sub(self.capacity())
    }

    fn sum(&self, count: impl Fn(Word) -> usize) -> u64 {
        self.states.iter().fold(0u64, |sum, state| {
            sum.saturating_add(count(state.word()) as u64)
        })
    }
}

/// The cluster that one CPU, or one mover, allocates in, and where in it to continue. One task at a
/// time uses it, on that CPU. The alignment keeps other CPUs off its cache line.
#[derive(Debug, Default)]
#[repr(align(64))]
pub struct Current(AtomicU64);

/// The word of a [`Current`]:
///
/// ```text
///   bit 63   62      38..16    9..0
///   1        holds   cluster   next
/// ```
///
/// or 0 for none.
#[derive(Clone, Copy)]
struct Place {
    cluster: PhysicalCluster,
    /// Where to continue: up to 512, which is the end.
    next: usize,
    /// Whether this holds the cluster.
    holds: bool,
}

impl Place {
    const PRESENT: u64 = 1 << 63;
    const HOLDS: u64 = 1 << 62;
    const CLUSTER_SHIFT: u32 = 16;
    const NEXT_MASK: u64 = (1 << Self::CLUSTER_SHIFT) - 1;

    fn from_word(word: u64) -> Option<Self> {
        if word & Self::PRESENT == 0 {
            return None;
        }
        let number = (word & !(Self::PRESENT | Self::HOLDS)) >> Self::CLUSTER_SHIFT;
        Some(Self {
            cluster: PhysicalCluster::new(u32::try_from(number).ok()?)?,
            next: usize::try_from(word & Self::NEXT_MASK).ok()?,
            holds: word & Self::HOLDS != 0,
        })
    }

    fn to_word(self) -> u64 {
        let holds = if self.holds { Self::HOLDS } else { 0 };
        let cluster = u64::from(self.cluster.index()) << Self::CLUSTER_SHIFT;
        Self::PRESENT | holds | cluster | (self.next as u64 & Self::NEXT_MASK)
    }

    const fn start(cluster: PhysicalCluster, holds: bool) -> Self {
        Self {
            cluster,
            next: 0,
            holds,
        }
    }

    /// Slots between there and the end, free or not.
    const fn left(self) -> usize {
        SLOTS_PER_CLUSTER.saturating_sub(self.next)
    }
}

impl Current {
    fn get(&self) -> Option<Place> {
        Place::from_word(self.0.load(Ordering::Relaxed))
    }

    fn put(&self, place: Option<Place>) {
        self.0
            .store(place.map_or(0, Place::to_word), Ordering::Relaxed);
    }

    /// The current cluster.
    pub fn cluster(&self) -> Option<PhysicalCluster> {
        self.get().map(|place| place.cluster)
    }

    /// Claims the next run in the current cluster, of at most `want` slots, or with `contiguous`
    /// of exactly that many, and continues after it.
    pub fn claim(
        &self,
        space: Space<'_>,
        want: usize,
        contiguous: bool,
    ) -> Result<(PhysicalSlot, usize), Refused> {
        let Some(place) = self.get() else {
            return Err(Refused::NoRoom);
        };
        let Some(from) = Offset::new(place.next) else {
            return Err(Refused::NoRoom);
        };
        let (slot, count) = if contiguous {
            (space.claim_whole_run(place.cluster, from, want)?, want)
        } else {
            space.claim_run(place.cluster, from, want)?
        };
        self.put(Some(Place {
            next: slot.offset().index().saturating_add(count),
            ..place
        }));
        Ok((slot, count))
    }

    /// Lets go of the current cluster and continues at `place`.
    fn replace(&self, space: Space<'_>, place: Option<Place>, list: &mut FreeList) {
        if let Some(old) = self.get().filter(|place| place.holds) {
            space.let_go(HeldCluster(old.cluster), list);
        }
        self.put(place);
    }

    /// Lets go of the current cluster, and continues at the start of `held`.
    pub fn set(&self, space: Space<'_>, held: HeldCluster, list: &mut FreeList) {
        self.replace(space, Some(Place::start(held.0, true)), list);
    }

    /// Lets go of the current cluster, and continues at the start of one that may be held already.
    /// If it is not, this holds it.
    pub fn join(&self, space: Space<'_>, cluster: PhysicalCluster, list: &mut FreeList) {
        self.replace(space, None, list);
        let holds = space.hold(cluster, list).is_some();
        self.put(Some(Place::start(cluster, holds)));
    }
}

/// A disk's clusters with their free list: complete operations, which take the lock when needed.
#[derive(Debug)]
pub struct Allocator<'a, L> {
    space: Space<'a>,
    list: &'a L,
    cursor: &'a Cursor,
}

impl<L> Clone for Allocator<'_, L> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<L> Copy for Allocator<'_, L> {}

impl<'a, L: FreeListLock> Allocator<'a, L> {
    /// The disk whose clusters, lock and cursor these are.
    pub const fn new(space: Space<'a>, list: &'a L, cursor: &'a Cursor) -> Self {
        Self {
            space,
            list,
            cursor,
        }
    }

    /// The disk's clusters.
    pub const fn space(&self) -> Space<'a> {
        self.space
    }

    /// Whether any slot can be claimed.
    pub fn has_room(&self) -> bool {
        !self.space.is_full(self.cursor)
    }

    /// Makes the disk ready for use. The maps and states are zeroed memory.
    pub fn prepare(&self) {
        self.list.with(|list| self.space.prepare(list));
    }

    /// The result of a claim. A cluster that a failed claim emptied goes on the free list.
    fn claimed<T>(&self, claim: Result<T, Refused>) -> Option<T> {
        if let Err(Refused::Emptied(cluster)) = claim {
            self.list.with(|list| self.space.put_free(cluster, list));
        }
        claim.ok()
    }

    /// Allocates up to `want` consecutive slots, or with `contiguous` exactly that many: in the
    /// current cluster, or else in a free one, which becomes the current one. Returns the first slot
    /// and their number.
    ///
    /// When no cluster is free, the result for a contiguous run is `None`; the caller may retry
    /// without `contiguous`. Then any cluster with room will do; `None` means that no slot is free.
    ///
    /// `want` is from 1 to 512. `current` is this CPU's, and no other task uses it meanwhile.
    pub fn allocate(
        &self,
        current: &Current,
        want: usize,
        contiguous: bool,
    ) -> Option<(PhysicalSlot, usize)> {
        if !(1..=SLOTS_PER_CLUSTER).contains(&want) {
            return None;
        }
        let claim = current.claim(self.space, want, contiguous);
        if let Some(run) = self.claimed(claim) {
            return Some(run);
        }
        if self.space.is_full(self.cursor) {
            return None;
        }
        if contiguous {
            return self.allocate_whole(current, want).map(|slot| (slot, want));
        }
        for _ in 0..TRIES {
            let taken = self.list.with(|list| {
                let held = self.space.take_free(list)?;
                current.set(self.space, held, list);
                Some(())
            });
            if taken.is_none() {
                let partial = self.space.find_partial(self.cursor)?;
                self.list
                    .with(|list| current.join(self.space, partial, list));
            }
            if let Some(run) = self.claimed(current.claim(self.space, want, false)) {
                return Some(run);
            }
        }
        None
    }

    /// Allocates `count` consecutive slots in a free cluster.
    ///
    /// The current cluster stays the current one if it then has more left than the other one, so
    /// that large runs between small ones don't leave clusters partly used.
    fn allocate_whole(&self, current: &Current, count: usize) -> Option<PhysicalSlot> {
        let mut first = None;
        for _ in 0..TRIES {
            let held = self.list.with(|list| self.space.take_free(list))?;
            let cluster = held.number();
            let claim = self.space.claim_whole_run(cluster, Offset::FIRST, count);
            let slot = self.claimed(claim);
            let place = slot.map(|slot| Place {
                next: slot.offset().index().saturating_add(count),
                ..Place::start(cluster, true)
            });
            let left = current.get().map_or(0, Place::left);
            self.list
                .with(|list| match place.filter(|place| place.left() > left) {
                    Some(place) => current.replace(self.space, Some(place), list),
                    None => self.space.let_go(held, list),
                });
            if slot.is_some() {
                return slot;
            }
            // A free cluster with a lost slot in the way went to the end of the list. When it comes
            // first again, all are like that.
            if first == Some(cluster) {
                return None;
            }
            first = first.or(Some(cluster));
        }
        None
    }

    /// Claims the `count` slots from `slot` on, which lie in one cluster, or none.
    #[inline]
    pub fn claim_at(&self, slot: PhysicalSlot, count: usize) -> bool {
        let claim = self.space.claim_at(slot.cluster(), slot.offset(), count);
        self.claimed(claim).is_some()
    }

    /// Claims a segment: where the last one was claimed, or in a free cluster, or in one that is partly
    /// in use. `None`: none was found. It may overlook some in clusters that are partly in use.
    pub fn claim_segment(&self, next: &mut SegmentCursor) -> Option<Segment> {
        if let Some(segment) = self.claim_next(next) {
            return Some(segment);
        }
        if self.space.is_full(self.cursor) {
            return None;
        }
        for _ in 0..SEGMENT_TRIES {
            let segment = match self.list.with(|list| self.space.take_free(list)) {
                Some(held) => {
                    *next = SegmentCursor::start(held.number());
                    // A claim in it before it is let go keeps it off the list.
                    let segment = self.claim_next(next);
                    self.list.with(|list| self.space.let_go(held, list));
                    segment
                }
                None => {
                    *next = SegmentCursor::start(self.space.find_partial(self.cursor)?);
                    self.claim_next(next)
                }
            };
            if segment.is_some() {
                return segment;
            }
        }
        None
    }

    /// Claims the next segment of the cursor's cluster in which no slot is in use.
    fn claim_next(&self, next: &mut SegmentCursor) -> Option<Segment> {
        let cluster = next.cluster?;
        let map = self.space.map(cluster)?;
        while let Some(from) = Segment::offset(next.index) {
            next.index = next.index.saturating_add(1);
            let is_clear = Bits::run(from, SEGMENT_SLOTS).all(|offset| !map.test(offset));
            let slot = cluster.slot(from);
            if is_clear && self.claim_at(slot, SEGMENT_SLOTS) {
                return Some(Segment::of(slot));
            }
        }
        next.cluster = None;
        None
    }

    /// Frees a segment, which its owner no longer uses, but retires its slots that are `bad`.
    /// Says whether all were in use; if not, the caller has miscounted.
    #[must_use]
    pub fn free_segment(&self, segment: Segment, bad: impl Fn(PhysicalSlot) -> bool) -> bool {
        let first = segment.first();
        if !segment.slots().any(&bad) {
            let bits = Bits::run(first.offset(), SEGMENT_SLOTS);
            return self.free_bits(first.cluster(), &bits);
        }
        segment.slots().fold(true, |all, slot| {
            let done = if bad(slot) {
                self.retire(slot)
            } else {
                self.free(slot)
            };
            done && all
        })
    }

    /// Frees a slot, which its owner no longer uses. Says whether it was in use; if not, the caller
    /// has miscounted.
    #[must_use]
    pub fn free(&self, slot: PhysicalSlot) -> bool {
        self.freed(self.space.free(slot))
    }

    /// Frees slots of one cluster, which their owner no longer uses. Says whether all were in use; if
    /// not, the caller has miscounted.
    #[must_use]
    pub fn free_bits(&self, cluster: PhysicalCluster, bits: &Bits) -> bool {
        let (count, freed) = self.space.free_bits(cluster, bits);
        self.freed(freed);
        count == bits.len()
    }

    /// Retires a slot in use, which its owner no longer uses: it is never used again. Says whether
    /// it was in use.
    #[must_use]
    pub fn retire(&self, slot: PhysicalSlot) -> bool {
        self.freed(self.space.retire(slot))
    }

    fn freed(&self, freed: Freed) -> bool {
        if let Freed::Emptied(cluster) = freed {
            self.list.with(|list| self.space.put_free(cluster, list));
        }
        freed != Freed::NotInUse
    }

    /// Lets go of a current cluster that is no longer used. Nobody uses it meanwhile.
    pub fn reset(&self, current: &Current) {
        self.list
            .with(|list| current.replace(self.space, None, list));
    }
}

#[path = "discarding.rs"]
pub mod discarding;

#[cfg(all(test, not(loom)))]
#[path = "allocator_tests.rs"]
mod tests;
