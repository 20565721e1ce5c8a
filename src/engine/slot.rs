// SPDX-License-Identifier: GPL-2.0-only

//! Virtual slots, and the clusters they fall into.

/// Slots in a virtual cluster: as many as in one of the swap core's own clusters on x86-64
/// (`SWAPFILE_CLUSTER`), so that a 2 MiB folio lies in one.
pub const SLOTS_PER_CLUSTER: usize = 512;

const OFFSET_BITS: u32 = SLOTS_PER_CLUSTER.trailing_zeros();
const OFFSET_MASK: u32 = (1 << OFFSET_BITS) - 1;

const _: () = assert!(SLOTS_PER_CLUSTER.is_power_of_two());

/// A virtual slot: a page's number on the swap device, as the page tables hold it.
///
/// The swap core keeps the number of slots in an `unsigned int`, hence 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot(u32);

/// The number of a virtual cluster: a slot's upper bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClusterNumber(u32);

/// A slot's place in its cluster, in slots, below [`SLOTS_PER_CLUSTER`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Offset(u16);

impl Slot {
    /// The slot with that number.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The slot `count` slots further on, or `None` past the 32-bit end.
    pub fn checked_add(self, count: usize) -> Option<Self> {
        self.0.checked_add(u32::try_from(count).ok()?).map(Self)
    }

    /// The cluster this slot falls into.
    pub const fn cluster(self) -> ClusterNumber {
        ClusterNumber(self.0 >> OFFSET_BITS)
    }

    /// The slot's place in its cluster.
    pub const fn offset(self) -> Offset {
        // Lossless: the mask leaves 9 bits.
        Offset((self.0 & OFFSET_MASK) as u16)
    }
}

impl ClusterNumber {
    /// The number, as an index: below 2^23.
    pub const fn index(self) -> u32 {
        self.0
    }
}

impl Offset {
    /// The place as an array index.
    pub const fn index(self) -> usize {
        // Lossless: a widening that `From` can't do in a const fn. The mask tells the compiler
        // what the type's invariant already says, so that indexing needs no check.
        (self.0 as usize) & (SLOTS_PER_CLUSTER - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_fall_into_clusters_of_512() {
        for (slot, cluster, offset) in [
            (0, 0, 0),
            (511, 0, 511),
            (512, 1, 0),
            (u32::MAX, (1 << 23) - 1, 511),
        ] {
            let slot = Slot::new(slot);
            assert_eq!(slot.cluster().index(), cluster);
            assert_eq!(slot.offset().index(), offset);
        }
    }

    #[test]
    fn the_last_slot_has_no_next() {
        assert_eq!(
            Slot::new(u32::MAX).checked_add(0),
            Some(Slot::new(u32::MAX))
        );
        assert_eq!(Slot::new(u32::MAX).checked_add(1), None);
        assert_eq!(Slot::new(0).checked_add(usize::MAX), None);
    }
}
