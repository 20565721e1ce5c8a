// SPDX-License-Identifier: GPL-2.0-only

//! A cluster's table: an entry for each of its slots, and how many of them are in use.

use super::entry::{Content, Entry};
use super::form::Home;
use super::generation::{Generation, GENERATIONS};
use super::slot::{Offset, SLOTS_PER_CLUSTER, USED};
use super::sync::{AtomicU64, Ordering};

/// The entries of a cluster, in the order of its slots. Zeroed memory is an empty table.
///
/// Anybody may [`load`](Table::load) at any time. Changes are made one at a time: the caller
/// of [`replace`](Table::replace) holds the cluster's lock, which also holds its [`Occupancy`].
#[derive(Debug)]
#[repr(transparent)]
pub struct Table([AtomicU64; USED]);

impl Default for Table {
    /// An empty table, as a value.
    fn default() -> Self {
        Self(core::array::from_fn(|_| AtomicU64::new(0)))
    }
}

/// The use of a cluster's slots. Guarded by the cluster's lock.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Occupancy {
    used: u16,
    /// On which of the [`Lists`](super::lists::Lists) the cluster is: the generation's index plus
    /// one, or 0 for none.
    listed: u8,
    /// Whether the cluster was skipped on that list, because it has little there.
    passed: bool,
    /// What the pages of each generation take in the ram tier, in [`UNIT`]s.
    weights: [u16; GENERATIONS],
}

/// Bytes in which an object's length is counted, rounded up: those of a whole cluster fit into 16
/// bits.
const UNIT: usize = super::page::PAGE_SIZE / 64;
const _: () = assert!(super::page::PAGE_SIZE / UNIT * SLOTS_PER_CLUSTER <= u16::MAX as usize);

/// Bytes in a table.
pub const TABLE_BYTES: usize = 4096;

/// The units of an entry's object.
#[allow(clippy::cast_possible_truncation, reason = "a page's are 64")]
const fn units(entry: Entry) -> u16 {
    // Lossless: at most a page's.
    entry.ram_bytes().div_ceil(UNIT) as u16
}

/// The effect of a change on the number of slots in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A slot came into use.
    Filled,
    /// A slot in use has another entry.
    Replaced,
    /// A slot is no longer in use.
    Freed,
    /// The slot was empty, and still is.
    None,
}

#[cfg(not(loom))]
const _: () = assert!(size_of::<Table>() == TABLE_BYTES);

#[allow(
    clippy::indexing_slicing,
    reason = "an offset is below the number of slots"
)]
impl Table {
    /// The entry at `offset`. What its writer wrote before it is visible, too.
    #[inline]
    pub fn load(&self, offset: Offset) -> Entry {
        Entry::from_word(self.0[offset.index()].load(Ordering::Acquire))
    }

    /// Puts `entry` at `offset` and returns the old one, which the caller must
    /// release. `occupancy` is the table's own: having it proves that the lock is held.
    #[inline]
    pub fn replace(
        &self,
        offset: Offset,
        entry: Entry,
        occupancy: &mut Occupancy,
    ) -> (Entry, Change) {
        let word = &self.0[offset.index()];
        // Under the lock nobody else writes, so load and store need no atomic exchange.
        let old = Entry::from_word(word.load(Ordering::Relaxed));
        word.store(entry.to_word(), Ordering::Release);
        (old, occupancy.change(old, entry))
    }

    /// Puts `entry` at `offset` of a table that nobody else sees yet.
    pub fn fill(&self, offset: Offset, entry: Entry) {
        self.0[offset.index()].store(entry.to_word(), Ordering::Relaxed);
    }

    /// The physical cluster in which all pages lie at their own offsets, if there is one. The
    /// caller holds the cluster's lock.
    pub fn home(&self) -> Option<Home> {
        let mut home = None;
        for offset in Offset::all() {
            match self.load(offset).content()? {
                Content::Empty => {}
                Content::Disk(place) => {
                    let here = Some(Home::of(place, offset)?);
                    if home.is_some() && home != here {
                        return None;
                    }
                    home = here;
                }
                Content::Same(_) | Content::Ram(_) | Content::Packed(_) | Content::Lost => {
                    return None
                }
            }
        }
        home
    }
}

impl Occupancy {
    /// No slot is in use.
    pub const EMPTY: Self = Self {
        used: 0,
        listed: 0,
        passed: false,
        weights: [0; GENERATIONS],
    };

    /// Whether no slot is in use.
    pub const fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// Slots in use.
    pub const fn used(&self) -> u16 {
        self.used
    }

    /// Whether a page is in the ram tier.
    pub fn has_ram(&self) -> bool {
        self.weights != [0; GENERATIONS]
    }

    /// What the pages of a generation take in the ram tier, in bytes, rounded up.
    #[allow(
        clippy::indexing_slicing,
        reason = "a generation's index is below their number"
    )]
    pub fn bytes(&self, generation: Generation) -> usize {
        usize::from(self.weights[generation.index()]).saturating_mul(UNIT)
    }

    /// The first of those generations that has pages in the ram tier.
    pub fn first_of(
        &self,
        mut generations: impl Iterator<Item = Generation>,
    ) -> Option<Generation> {
        generations.find(|generation| self.bytes(*generation) != 0)
    }

    /// The list that the cluster is on.
    #[inline]
    pub fn listed(&self) -> Option<Generation> {
        self.listed
            .checked_sub(1)
            .map(|index| Generation::of(index.into()))
    }

    /// Records the list that the cluster is on from now on.
    #[allow(clippy::cast_possible_truncation, reason = "there are eight of them")]
    pub fn list(&mut self, generation: Option<Generation>) {
        // Lossless: at most 8.
        self.listed = generation.map_or(0, |generation| (generation.index() as u8).wrapping_add(1));
        self.passed = false;
    }

    /// Records that the cluster was skipped on its list. Says whether it was before.
    pub fn pass(&mut self) -> bool {
        core::mem::replace(&mut self.passed, true)
    }

    fn weigh(&mut self, entry: Entry, change: impl FnOnce(u16, u16) -> u16) {
        let weight = entry
            .generation()
            .and_then(|generation| self.weights.get_mut(generation.index()));
        if let Some(weight) = weight {
            *weight = change(*weight, units(entry));
        }
    }

    /// That many slots are no longer in use; none of them was in the ram tier.
    pub fn emptied(&mut self, count: usize) {
        let count = u16::try_from(count).unwrap_or(u16::MAX);
        self.used = self.used.saturating_sub(count);
    }

    /// A slot's entry changes from `old` to `new`.
    #[inline]
    pub fn change(&mut self, old: Entry, new: Entry) -> Change {
        self.weigh(old, u16::saturating_sub);
        self.weigh(new, u16::saturating_add);
        match (old.is_empty(), new.is_empty()) {
            (true, false) => {
                self.used = self.used.saturating_add(1);
                Change::Filled
            }
            (false, true) => {
                self.used = self.used.saturating_sub(1);
                Change::Freed
            }
            (false, false) => Change::Replaced,
            (true, true) => Change::None,
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::super::codec::Codec;
    use super::super::entry::{Handle, Length, Object};
    use super::super::slot::Slot;
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::vec::Vec;

    fn entry() -> impl Strategy<Value = Entry> {
        let ram = (1..=4096usize, 0u32..8).prop_filter_map("in range", |(bytes, label)| {
            let object = Object {
                handle: Handle::new(5)?,
                length: Length::new(bytes)?,
                codec: Codec::Lz4,
            };
            Some(Entry::ram(object).aged(Generation::of(label)))
        });
        prop_oneof![
            Just(Entry::EMPTY),
            (0..4u64).prop_filter_map("held", Entry::same),
            ram
        ]
    }

    proptest! {
        /// Any sequence of changes leaves the table like a map of the slots in use.
        #[test]
        fn a_table_is_a_map(changes in prop::collection::vec((0..SLOTS_PER_CLUSTER as u32, entry()), 0..2000)) {
            let table = Table::default();
            let mut occupancy = Occupancy::EMPTY;
            let mut model = BTreeMap::new();
            for (offset, entry) in changes {
                let (old, change) = table.replace(Slot::new(offset).offset(), entry, &mut occupancy);
                let expected = if entry.is_empty() { model.remove(&offset) } else { model.insert(offset, entry) };
                prop_assert_eq!(old, expected.unwrap_or(Entry::EMPTY));
                prop_assert_eq!(change, match (expected, entry.is_empty()) {
                    (None, false) => Change::Filled,
                    (Some(_), false) => Change::Replaced,
                    (Some(_), true) => Change::Freed,
                    (None, true) => Change::None,
                });
                prop_assert_eq!(occupancy.is_empty(), model.is_empty());
                prop_assert_eq!(usize::from(occupancy.used), model.len());
            }
            for label in (0..8).map(Generation::of) {
                let of = model.values().filter(|entry| entry.generation() == Some(label));
                let bytes: usize = of.map(|entry| entry.ram_bytes().next_multiple_of(UNIT)).sum();
                prop_assert_eq!(occupancy.bytes(label), bytes);
            }
            prop_assert_eq!(occupancy.has_ram(), model.values().any(|entry| entry.is_ram()));
            let first = occupancy.first_of((3..11).map(Generation::of));
            let ages = model.values().filter_map(|entry| entry.generation());
            let age = |label: Generation| (label.index() + 5) % 8;
            prop_assert_eq!(first.map(age), ages.map(age).min());
            let held: Vec<_> = (0..SLOTS_PER_CLUSTER as u32)
                .map(|o| (o, table.load(Slot::new(o).offset())))
                .filter(|(_, entry)| !entry.is_empty())
                .collect();
            prop_assert_eq!(held, model.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_list_is_noted_and_a_cluster_passed_over_once() {
        let mut occupancy = Occupancy::EMPTY;
        assert_eq!(occupancy.listed(), None);
        for label in 0..8 {
            occupancy.list(Some(Generation::of(label)));
            assert_eq!(occupancy.listed(), Some(Generation::of(label)));
            assert!(!occupancy.pass() && occupancy.pass());
        }
        occupancy.list(None);
        assert_eq!(occupancy, Occupancy::EMPTY);
    }

    #[test]
    fn a_cluster_of_raw_pages_is_weighed() {
        let table = Table::default();
        let mut occupancy = Occupancy::EMPTY;
        let object = Object {
            handle: Handle::new(5).unwrap(),
            length: Length::PAGE,
            codec: Codec::Raw,
        };
        for offset in Offset::all() {
            table.replace(offset, Entry::ram(object), &mut occupancy);
        }
        assert_eq!(
            occupancy.bytes(Generation::of(0)),
            512 * super::super::page::PAGE_SIZE
        );
    }

    #[test]
    fn a_full_table_empties_again() {
        let table = Table::default();
        let mut occupancy = Occupancy::EMPTY;
        let entry = Entry::same(7).unwrap();
        for offset in 0..SLOTS_PER_CLUSTER as u32 {
            assert_eq!(
                table.replace(Slot::new(offset).offset(), entry, &mut occupancy),
                (Entry::EMPTY, Change::Filled)
            );
        }
        for offset in 0..SLOTS_PER_CLUSTER as u32 {
            assert!(!occupancy.is_empty());
            assert_eq!(
                table.replace(Slot::new(offset).offset(), Entry::EMPTY, &mut occupancy),
                (entry, Change::Freed)
            );
        }
        assert!(occupancy.is_empty());
    }
}
