// SPDX-License-Identifier: GPL-2.0-only

//! Clusters with pages in the ram tier, listed by generation, so that the next ones to be written
//! back are found at once, however many clusters there are.
//!
//! A cluster is on one list at most: that of its oldest pages' generation when it was put there.
//! Frees leave it there; a writer that comes across it puts it where it belongs. So a store
//! changes a list only for a cluster that is on none.

use super::generation::{Generation, GENERATIONS};
use super::slot::ClusterNumber;
use super::sync::guarded::AtomicU32;
use super::sync::Ordering;

/// A cluster's place on its list. Guarded by the lock around the [`Lists`].
#[derive(Debug, Default)]
pub struct Links {
    next: Link,
    previous: Link,
}

/// The number of a cluster, plus one; 0 for none.
#[derive(Debug, Default)]
struct Link(AtomicU32);

impl Link {
    fn get(&self) -> Option<ClusterNumber> {
        ClusterNumber::new(self.0.load(Ordering::Relaxed).checked_sub(1)?)
    }

    fn set(&self, to: Option<ClusterNumber>) {
        let number = to.map_or(0, |number| number.index().wrapping_add(1));
        self.0.store(number, Ordering::Relaxed);
    }
}

/// Access to the clusters' links.
pub trait Nodes {
    /// Calls `then` with the links of a cluster that is on a list.
    fn with(&self, number: ClusterNumber, then: impl FnOnce(&Links));
}

#[derive(Debug, Default, Clone, Copy)]
struct Ends {
    first: Option<ClusterNumber>,
    last: Option<ClusterNumber>,
}

/// The lists. A mutable reference to them proves that their lock is held.
#[derive(Debug, Default)]
pub struct Lists([Ends; GENERATIONS]);

#[allow(
    clippy::indexing_slicing,
    reason = "a generation's index is below their number"
)]
impl Lists {
    /// The cluster that has been on that list for longest.
    pub fn first(&self, generation: Generation) -> Option<ClusterNumber> {
        self.0[generation.index()].first
    }

    /// Puts a cluster that is on no list at the end of that one.
    pub fn push(&mut self, generation: Generation, number: ClusterNumber, nodes: &impl Nodes) {
        let ends = &mut self.0[generation.index()];
        let before = ends.last.replace(number);
        match before {
            Some(before) => nodes.with(before, |links| links.next.set(Some(number))),
            None => ends.first = Some(number),
        }
        nodes.with(number, |links| {
            links.previous.set(before);
            links.next.set(None);
        });
    }

    /// Takes a cluster off the list that it is on.
    pub fn remove(&mut self, generation: Generation, number: ClusterNumber, nodes: &impl Nodes) {
        let (mut previous, mut next) = (None, None);
        nodes.with(number, |links| {
            (previous, next) = (links.previous.get(), links.next.get());
            links.next.set(None);
            links.previous.set(None);
        });
        let ends = &mut self.0[generation.index()];
        match previous {
            Some(previous) => nodes.with(previous, |links| links.next.set(next)),
            None => ends.first = next,
        }
        match next {
            Some(next) => nodes.with(next, |links| links.previous.set(previous)),
            None => ends.last = previous,
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, VecDeque};
    use std::vec::Vec;

    const CLUSTERS: u32 = 12;

    struct Clusters(Vec<Links>);

    impl Nodes for Clusters {
        fn with(&self, number: ClusterNumber, then: impl FnOnce(&Links)) {
            then(&self.0[number.index() as usize]);
        }
    }

    proptest! {
        /// A cluster that is on a list is taken off, one that is on none put on the list drawn.
        #[test]
        fn lists_keep_their_order(steps in prop::collection::vec((0..CLUSTERS, 0u32..8), 0..300)) {
            let nodes = Clusters((0..CLUSTERS).map(|_| Links::default()).collect());
            let mut lists = Lists::default();
            let mut on = BTreeMap::new();
            let mut model = std::vec![VecDeque::new(); GENERATIONS];
            for (cluster, label) in steps {
                let number = ClusterNumber::new(cluster).unwrap();
                if let Some(label) = on.remove(&cluster) {
                    lists.remove(Generation::of(label), number, &nodes);
                    model[label as usize].retain(|other| *other != number);
                } else {
                    on.insert(cluster, label);
                    lists.push(Generation::of(label), number, &nodes);
                    model[label as usize].push_back(number);
                }
                for label in 0..8 {
                    let mut there = Vec::new();
                    let mut next = lists.first(Generation::of(label));
                    while let Some(number) = next {
                        there.push(number);
                        next = nodes.0[number.index() as usize].next.get();
                    }
                    prop_assert_eq!(&there, &Vec::from(model[label as usize].clone()));
                }
            }
        }
    }
}
