// SPDX-License-Identifier: GPL-2.0-only

//! A cluster's table: an entry for each of its slots, and how many of them are in use.

use super::entry::{Content, Entry};
use super::form::Home;
use super::slot::{Offset, SLOTS_PER_CLUSTER};
use super::sync::{AtomicU64, Ordering};

/// The entries of a cluster, in the order of its slots. Zeroed memory is an empty table.
///
/// Anybody may [`load`](Table::load) at any time. Changes are made one at a time: the caller
/// of [`replace`](Table::replace) holds the cluster's lock, which also holds its [`Occupancy`].
#[repr(transparent)]
pub struct Table([AtomicU64; SLOTS_PER_CLUSTER]);

/// How many of a cluster's slots are in use. Guarded by the cluster's lock.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Occupancy {
    used: u16,
    ram: u16,
}

/// What a change did to the number of slots in use.
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
const _: () = assert!(size_of::<Table>() == super::page::PAGE_SIZE);

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

    /// Puts `entry` at `offset` and gives back what stood there, which is now the caller's to
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

    /// The physical cluster in which all pages lie at their own offsets, if that is so. The
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
                Content::Same(_) | Content::Ram(_) | Content::Lost => return None,
            }
        }
        home
    }
}

impl Occupancy {
    /// No slot is in use.
    pub const EMPTY: Self = Self { used: 0, ram: 0 };

    /// Whether no slot is in use.
    pub const fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// Slots in use.
    pub const fn used(&self) -> u16 {
        self.used
    }

    /// Slots whose page is in the ram tier.
    pub const fn ram(&self) -> u16 {
        self.ram
    }

    /// So many slots in use are no longer; none of them was in the ram tier.
    pub fn emptied(&mut self, count: usize) {
        let count = u16::try_from(count).unwrap_or(u16::MAX);
        self.used = self.used.saturating_sub(count);
    }

    /// A slot's entry changes from `old` to `new`.
    #[inline]
    pub fn change(&mut self, old: Entry, new: Entry) -> Change {
        let (was, is) = (u16::from(old.is_ram()), u16::from(new.is_ram()));
        self.ram = self.ram.saturating_add(is).saturating_sub(was);
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
    use super::super::slot::Slot;
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::vec::Vec;

    fn empty() -> Table {
        Table(core::array::from_fn(|_| AtomicU64::new(0)))
    }

    fn entry() -> impl Strategy<Value = Entry> {
        prop_oneof![
            Just(Entry::EMPTY),
            (0..4u64).prop_filter_map("held", Entry::same)
        ]
    }

    proptest! {
        /// Any sequence of changes leaves the table as a map of the slots in use would be.
        #[test]
        fn a_table_is_a_map(changes in prop::collection::vec((0..SLOTS_PER_CLUSTER as u32, entry()), 0..2000)) {
            let table = empty();
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
            let held: Vec<_> = (0..SLOTS_PER_CLUSTER as u32)
                .map(|o| (o, table.load(Slot::new(o).offset())))
                .filter(|(_, entry)| !entry.is_empty())
                .collect();
            prop_assert_eq!(held, model.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_full_table_empties_again() {
        let table = empty();
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
