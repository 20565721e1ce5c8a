// SPDX-License-Identifier: GPL-2.0-only

//! How a cluster keeps its entries: in a table, or, when all its pages lie in one physical
//! cluster at their own offsets, as that cluster's number and a map.
//!
//! ```text
//!         63                    31 30          8 7    5 4       1  0
//! None    | 0                                                    | 0 |
//! Table   | address of a table                    | 0 (12 bits)  | 0 |
//! Whole   | 0                    | cluster (23) | 0 (3) | disk (4) | 1 |
//! ```

use super::entry::{DiskNumber, Entry, Place};
use super::slot::{Offset, PhysicalCluster};

const WHOLE_FLAG: usize = 1;
const DISK_SHIFT: u32 = 1;
const CLUSTER_SHIFT: u32 = 8;
/// With the unused bits above the disk's: no disk has a number that takes them.
const DISK_MASK: usize = (1 << (CLUSTER_SHIFT - DISK_SHIFT)) - 1;

/// The physical cluster that a whole cluster's pages lie in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Home {
    /// Which disk.
    pub disk: DiskNumber,
    /// Which cluster of it.
    pub cluster: PhysicalCluster,
}

/// A cluster's form. See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// There is no cluster.
    None,
    /// The address of a table.
    Table(usize),
    /// All pages lie in one physical cluster, at their own offsets; a map says which slots are in use.
    Whole(Home),
}

impl Home {
    /// The entry of the slot at `offset`, when it is in use.
    #[inline]
    pub const fn entry(self, offset: Offset) -> Entry {
        Entry::disk(self.place(offset))
    }

    /// Where the page of the slot at `offset` lies.
    #[inline]
    pub const fn place(self, offset: Offset) -> Place {
        let (disk, slot) = (self.disk, self.cluster.slot(offset));
        Place { disk, slot }
    }

    /// The home in which a page that lies at `place` has its virtual slot's offset, if there is
    /// one.
    #[inline]
    pub fn of(place: Place, offset: Offset) -> Option<Self> {
        (place.slot.offset() == offset).then_some(Self {
            disk: place.disk,
            cluster: place.slot.cluster(),
        })
    }
}

impl Form {
    /// The form as one word.
    #[inline]
    pub const fn to_word(self) -> usize {
        match self {
            Self::None => 0,
            Self::Table(address) => address,
            // Lossless: usize has 64 bits, a cluster's number 23.
            Self::Whole(home) => {
                ((home.cluster.index() as usize) << CLUSTER_SHIFT)
                    | (home.disk.index() << DISK_SHIFT)
                    | WHOLE_FLAG
            }
        }
    }

    /// The form that a word stands for; `None` for a word that no home makes.
    #[inline]
    pub fn from_word(word: usize) -> Self {
        if word == 0 {
            return Self::None;
        }
        if word & WHOLE_FLAG == 0 {
            return Self::Table(word);
        }
        let cluster = u32::try_from(word >> CLUSTER_SHIFT)
            .ok()
            .and_then(PhysicalCluster::new);
        match (DiskNumber::new((word >> DISK_SHIFT) & DISK_MASK), cluster) {
            (Some(disk), Some(cluster)) => Self::Whole(Home { disk, cluster }),
            _ => Self::None,
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::super::entry::MAX_DISKS;
    use super::super::slot::PhysicalSlot;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_form_comes_back(disk in 0..MAX_DISKS, cluster in 0..1u32 << 23, address: u32) {
            let home = Home {
                disk: DiskNumber::new(disk).unwrap(),
                cluster: PhysicalCluster::new(cluster).unwrap(),
            };
            let table = (address as usize) << 12;
            for form in [Form::Whole(home), Form::Table(table.max(4096)), Form::None] {
                prop_assert_eq!(Form::from_word(form.to_word()), form);
            }
        }

        /// Bits that are drawn as 0 are 0, or it is no home.
        #[test]
        fn a_home_is_one_that_was_made(word: usize, low in 0..1usize << 31) {
            for word in [word | WHOLE_FLAG, low | WHOLE_FLAG] {
                match Form::from_word(word) {
                    Form::None => {}
                    form => prop_assert_eq!(form.to_word(), word),
                }
            }
        }

        #[test]
        fn a_page_at_its_own_offset_has_a_home(disk in 0..MAX_DISKS, slot: u32, other in 0..512usize) {
            let place = Place { disk: DiskNumber::new(disk).unwrap(), slot: PhysicalSlot::new(slot) };
            let home = Home::of(place, place.slot.offset()).unwrap();
            prop_assert_eq!(home.entry(place.slot.offset()), Entry::disk(place));
            let other = Offset::new(other).unwrap();
            prop_assert_eq!(Home::of(place, other).is_some(), other == place.slot.offset());
        }
    }

    /// Every home with few bits set or clear, at every offset: its word, and its slots' entries.
    #[test]
    fn every_sparse_home_comes_back() {
        let bits = || (0..23).map(|bit| 1u32 << bit);
        let pairs = bits().flat_map(|a| bits().map(move |b| a | b));
        for number in pairs.flat_map(|bits| [bits, bits ^ ((1 << 23) - 1)]) {
            for disk in (0..MAX_DISKS).filter_map(DiskNumber::new) {
                let cluster = PhysicalCluster::new(number).unwrap();
                let home = Home { disk, cluster };
                let form = Form::Whole(home);
                assert_eq!(Form::from_word(form.to_word()), form);
                for unused in 5..8 {
                    assert_eq!(Form::from_word(form.to_word() | (1 << unused)), Form::None);
                }
                for offset in Offset::all().step_by(73) {
                    let place = Place {
                        disk,
                        slot: cluster.slot(offset),
                    };
                    assert_eq!(home.entry(offset), Entry::disk(place));
                    assert_eq!(Home::of(place, offset), Some(home));
                }
            }
        }
    }
}
