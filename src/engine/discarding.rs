// SPDX-License-Identifier: GPL-2.0-only

//! Empty clusters, which a disk may be told to discard.
//!
//! All slots of such a cluster are claimed first, so that nobody writes to it meanwhile. A cluster with a
//! reserved or a retired slot can't be claimed whole, and is never discarded.

use super::{
    Allocator, ClusterState, FreeListLock, Freed, Offset, PhysicalCluster, Word, DISCARDED,
    SLOTS_PER_CLUSTER,
};

/// Where the search for the next cluster continues.
#[derive(Debug, Default)]
pub struct Search(usize);

impl Word {
    /// Whether all slots are free, no CPU allocates here, and the cluster is not discarded.
    fn is_stale(self) -> bool {
        self.is_free() && self.lost() == 0 && self.0 & DISCARDED == 0
    }
}

impl ClusterState {
    /// Counts all slots as free and discarded.
    fn count_discarded(&self) -> Option<Word> {
        let (_, after) = self.update(|word| {
            let free = word.counting(0, word.lost())?;
            Some(Word(free.0 | DISCARDED))
        })?;
        Some(after)
    }
}

impl<L: FreeListLock> Allocator<'_, L> {
    /// How many empty clusters are not discarded. Walks over all clusters.
    pub fn stale(&self) -> usize {
        let states = self.space.states.iter();
        states
            .filter(|state| state.word().is_stale())
            .fold(0usize, |sum, _| sum.saturating_add(1))
    }

    /// Claims all slots of the next empty cluster that is not discarded. `None`: this search finds no more.
    pub fn claim_stale(&self, search: &mut Search) -> Option<PhysicalCluster> {
        while let Some(state) = self.space.states.get(search.0) {
            let cluster = PhysicalCluster::new(u32::try_from(search.0).ok()?)?;
            search.0 = search.0.saturating_add(1);
            let first = cluster.slot(Offset::FIRST);
            if state.word().is_stale() && self.claim_at(first, SLOTS_PER_CLUSTER) {
                return Some(cluster);
            }
        }
        None
    }

    /// Frees a cluster whose slots [`claim_stale`](Self::claim_stale) has claimed. `is_discarded`: the disk
    /// has discarded it, which counts until a slot is claimed.
    pub fn free_stale(&self, cluster: PhysicalCluster, is_discarded: bool) {
        let (Some(map), Some(state)) = (self.space.map(cluster), self.space.state(cluster)) else {
            return;
        };
        // As all slots are counted, nobody else changes the map before the count changes.
        map.clear_all();
        self.freed(if is_discarded {
            let after = state.count_discarded();
            self.space.mark(super::group_of(cluster));
            after.map_or(Freed::Done, |after| Freed::so(cluster, after))
        } else {
            self.space.count_down(cluster, state, SLOTS_PER_CLUSTER, 0)
        });
    }
}
