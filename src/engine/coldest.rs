// SPDX-License-Identifier: GPL-2.0-only

//! The coldest clusters among many, in bounded memory.

use super::slot::ClusterNumber;

/// Up to `N` clusters with the greatest ages that were offered, the coldest first.
#[derive(Debug)]
pub struct Coldest<const N: usize> {
    clusters: [Option<(u32, ClusterNumber)>; N],
    count: usize,
}

impl<const N: usize> Default for Coldest<N> {
    fn default() -> Self {
        Self {
            clusters: [None; N],
            count: 0,
        }
    }
}

impl<const N: usize> Coldest<N> {
    /// Offers a cluster of that age. Of equal ages, the one offered first counts as colder.
    pub fn offer(&mut self, age: u32, number: ClusterNumber) {
        let known = self.clusters.iter().take(self.count);
        let place = known
            .take_while(|cluster| cluster.is_some_and(|(other, _)| other >= age))
            .count();
        if place >= N {
            return;
        }
        self.count = self.count.saturating_add(1).min(N);
        if let Some(rest) = self.clusters.get_mut(place..self.count) {
            let mut next = Some((age, number));
            for cluster in rest {
                core::mem::swap(cluster, &mut next);
            }
        }
    }

    /// The clusters, the coldest first.
    pub fn clusters(&self) -> impl Iterator<Item = ClusterNumber> + '_ {
        self.clusters.iter().flatten().map(|(_, number)| *number)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    proptest! {
        #[test]
        fn the_coldest_are_kept_in_order(ages in prop::collection::vec(0u32..50, 0..200)) {
            let mut coldest = Coldest::<16>::default();
            let mut all = Vec::new();
            for (number, age) in ages.into_iter().enumerate() {
                let number = ClusterNumber::new(number as u32).unwrap();
                coldest.offer(age, number);
                all.push((age, number));
            }
            all.sort_by_key(|(age, number)| (std::cmp::Reverse(*age), *number));
            let expected: Vec<_> = all.into_iter().map(|(_, number)| number).take(16).collect();
            prop_assert_eq!(coldest.clusters().collect::<Vec<_>>(), expected);
        }
    }
}
