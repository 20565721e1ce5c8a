// SPDX-License-Identifier: GPL-2.0-only

//! Freed slots: marked one by one, and emptied together.

use super::super::entry::Entry;
use super::super::form::Home;
use super::super::held::Owned;
use super::super::map::{Bits, PARTS, PART_BITS};
use super::super::platform::{Map, Platform};
use super::super::slot::{ClusterNumber, Slot};
use super::super::table::Change;
use super::cluster::{Cluster, Locked};
use super::{Counts, Found, Index};

/// What [`Index::mark_freed`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marked {
    /// How the cluster was found.
    pub found: Found,
    /// Whether no slot of the cluster waited for a sweep before.
    pub is_first: bool,
}

/// What freed slots held: those of one part of a cluster's map.
#[derive(Debug)]
pub struct Swept {
    /// Slots that were marked.
    pub marks: usize,
    /// How the clusters changed.
    pub clusters: Counts,
    /// For a whole cluster: its home, and the slots that were in use, whose places there the caller
    /// must free. There are no entries then.
    pub whole: Option<(Home, Bits)>,
    /// How many of the entries there are.
    count: usize,
    entries: [Entry; PART_BITS],
}

impl Swept {
    /// Nothing.
    pub const NONE: Self = Self {
        marks: 0,
        clusters: Counts { all: 0, whole: 0 },
        whole: None,
        count: 0,
        entries: [Entry::EMPTY; PART_BITS],
    };

    fn push(&mut self, entry: Entry) {
        if let Some(place) = self.entries.get_mut(self.count) {
            *place = entry;
            self.count = self.count.wrapping_add(1);
        }
    }

    /// Slots that were in use.
    pub fn slots(&self) -> usize {
        self.whole
            .as_ref()
            .map_or(self.count, |(_, bits)| bits.len())
    }
}

/// The entries, which the caller must release.
impl Iterator for Swept {
    type Item = Owned;

    fn next(&mut self) -> Option<Owned> {
        self.count = self.count.checked_sub(1)?;
        let entry = self.entries.get(self.count)?;
        // Each comes here once. The swap core has freed the slot; the entry says whether a mover reads
        // its object.
        Some(Owned::taken(*entry))
    }
}

impl<P: Platform> Index<P> {
    /// Marks a slot that the swap core has freed; [`sweep`](Self::sweep) does the rest. Does not
    /// sleep.
    #[inline]
    pub fn mark_freed(&self, cpu: &P::Cpu, slot: Slot) -> Marked {
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

    /// As [`mark_freed`](Self::mark_freed), when the cluster must be looked up, or noted.
    #[cold]
    #[inline(never)]
    fn mark_freed_slowly(&self, cpu: &P::Cpu, slot: Slot) -> Marked {
        let number = slot.cluster();
        let Some((cluster, found)) = self.find(cpu, number) else {
            // A page of zeros, which was never stored.
            return Marked {
                found: Found::LastUsed,
                is_first: false,
            };
        };
        let is_first = cluster.freed.mark(slot.offset()) && self.note(&cluster, number);
        if found == Found::Walked {
            self.remember(cpu, &cluster, number);
        }
        Marked { found, is_first }
    }

    /// Notes a cluster for a sweep. Says whether it was not noted before.
    #[cold]
    fn note(&self, cluster: &Cluster<P>, number: ClusterNumber) -> bool {
        let Some(locked) = cluster.lock(number) else {
            return false;
        };
        let is_first = locked.freed().note();
        if is_first {
            self.clusters.mark(number.index());
        }
        is_first
    }

    /// The first cluster of that number or a higher one with freed slots.
    pub fn freed(&self, from: u32) -> Option<ClusterNumber> {
        ClusterNumber::new(self.clusters.first_marked(from)?)
    }

    /// Empties the freed slots of that cluster and those behind it, as
    /// [`sweep`](Self::sweep) does.
    pub fn sweep_from(
        &self,
        first: ClusterNumber,
        swept: &mut Swept,
        mut release: impl FnMut(&P::Cpu, &mut Swept),
    ) {
        let mut next = Some(first);
        while let Some(number) = next {
            self.sweep(number, swept, &mut release);
            let after = number.index().checked_add(1);
            next = after.and_then(|after| self.freed(after));
        }
    }

    /// Empties a cluster's freed slots. Passes what they held to `release`, some
    /// slots at a time. Does not sleep.
    pub fn sweep(
        &self,
        number: ClusterNumber,
        swept: &mut Swept,
        mut release: impl FnMut(&P::Cpu, &mut Swept),
    ) {
        let begun = self.with_locked(&P::pin(), number, |locked| {
            self.clusters.unmark(number.index());
            locked.freed().begin_sweep();
        });
        if begun.is_none() {
            return;
        }
        for part in 0..PARTS {
            let cpu = P::pin();
            loop {
                let Some((cluster, _)) = self.find(&cpu, number) else {
                    return;
                };
                let locked = cluster.lock(number);
                if let Some(locked) = locked {
                    break self.sweep_part(locked, number, part, swept);
                }
            }
            release(&cpu, swept);
        }
    }

    fn sweep_part(
        &self,
        mut locked: Locked<'_, P>,
        number: ClusterNumber,
        part: usize,
        swept: &mut Swept,
    ) {
        swept.clusters = Counts::default();
        swept.count = 0;
        let freed = locked.freed().take(part);
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
            swept.clusters.made(locked.is_whole(), -1);
            let removed = self.unpublish(locked, number);
            self.give_back(removed);
        }
    }
}
