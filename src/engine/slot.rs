// SPDX-License-Identifier: GPL-2.0-only

//! Virtual slots and a disk's physical ones, and the clusters they fall into.

/// Slots in a cluster, virtual or physical: as many as in one of the swap core's own clusters on x86-64
/// (`SWAPFILE_CLUSTER`), so that a 2 MiB folio lies in one.
pub const SLOTS_PER_CLUSTER: usize = 512;

/// Slots in a segment, which holds packed objects ([`segment`](super::segment)).
pub const SEGMENT_SLOTS: usize = 8;

const SEGMENT_BITS: u32 = SEGMENT_SLOTS.trailing_zeros();

const _: () = assert!(SEGMENT_SLOTS.is_power_of_two());

/// How many slots of a cluster are used: only a few in models, to limit the orders to try.
pub(super) const USED: usize = if cfg!(loom) { 2 } else { SLOTS_PER_CLUSTER };

const OFFSET_BITS: u32 = SLOTS_PER_CLUSTER.trailing_zeros();
const OFFSET_MASK: u32 = (1 << OFFSET_BITS) - 1;

/// Clusters that the 32 bits of a slot's number can tell apart.
const CLUSTERS: u32 = 1 << (u32::BITS - OFFSET_BITS);

const _: () = assert!(SLOTS_PER_CLUSTER.is_power_of_two());

/// A virtual slot: a page's number on the swap device, as the page tables hold it.
///
/// The swap core keeps the number of slots in an `unsigned int`, hence 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot(u32);

/// The number of a virtual cluster: a slot's upper bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClusterNumber(u32);

/// A physical slot: a page's number on a disk. Slot 0 is the disk's first page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PhysicalSlot(u32);

/// The number of a physical cluster: a physical slot's upper bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PhysicalCluster(u32);

/// A slot's position in its cluster, in slots, below [`SLOTS_PER_CLUSTER`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Offset(u16);

/// What a slot and its cluster say of each other, of virtual ones and of physical ones.
macro_rules! slots_in_clusters {
    ($slot:ident, $cluster:ident) => {
        impl $slot {
            /// The slot after this one; after the last one comes the first.
            #[inline]
            pub const fn next(self) -> Self {
                Self(self.0.wrapping_add(1))
            }

            /// The slot with that number.
            pub const fn new(number: u32) -> Self {
                Self(number)
            }

            /// The number: as the page tables hold it, or of pages from the disk's start.
            pub const fn number(self) -> u32 {
                self.0
            }

            /// The slot `count` slots further on, or `None` past the 32-bit end.
            pub fn checked_add(self, count: usize) -> Option<Self> {
                self.0.checked_add(u32::try_from(count).ok()?).map(Self)
            }

            /// The cluster this slot falls into.
            pub const fn cluster(self) -> $cluster {
                $cluster(self.0 >> OFFSET_BITS)
            }

            /// The slot's position in its cluster.
            pub const fn offset(self) -> Offset {
                Offset::of(self.0)
            }
        }

        impl $cluster {
            /// The cluster with that number, or `None` from 2^23 on.
            pub const fn new(number: u32) -> Option<Self> {
                if number < CLUSTERS {
                    Some(Self(number))
                } else {
                    None
                }
            }

            /// The number, as an index: below 2^23.
            pub const fn index(self) -> u32 {
                self.0
            }

            /// The cluster's slot at that position.
            pub const fn slot(self, offset: Offset) -> $slot {
                $slot(offset.in_cluster(self.0))
            }
        }
    };
}

slots_in_clusters!(Slot, ClusterNumber);
slots_in_clusters!(PhysicalSlot, PhysicalCluster);

/// The number of a segment: a physical slot's upper bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Segment(u32);

impl Segment {
    /// The segment with that number, or `None` from 2^29 on.
    pub const fn new(number: u32) -> Option<Self> {
        if number >> (u32::BITS - SEGMENT_BITS) == 0 {
            Some(Self(number))
        } else {
            None
        }
    }

    /// The segment that a slot is in.
    pub const fn of(slot: PhysicalSlot) -> Self {
        Self(slot.number() >> SEGMENT_BITS)
    }

    /// A slot's position in its segment, below [`SEGMENT_SLOTS`].
    pub const fn index_of(slot: PhysicalSlot) -> usize {
        // Lossless: a widening that `From` can't do in a const fn.
        (slot.number() as usize) & (SEGMENT_SLOTS - 1)
    }

    /// The number, as an index.
    pub const fn index(self) -> usize {
        // Lossless: as above.
        self.0 as usize
    }

    /// The segment's first slot.
    pub const fn first(self) -> PhysicalSlot {
        PhysicalSlot::new(self.0 << SEGMENT_BITS)
    }

    /// The segment's slots.
    pub fn slots(self) -> impl Iterator<Item = PhysicalSlot> {
        let first = self.first();
        (0..SEGMENT_SLOTS).filter_map(move |index| first.checked_add(index))
    }

    /// Where in a physical cluster the segment of that index begins.
    pub fn offset(index: usize) -> Option<Offset> {
        Offset::new(index.saturating_mul(SEGMENT_SLOTS))
    }
}

impl Offset {
    /// A cluster's first position.
    pub const FIRST: Self = Self(0);

    /// That position, or `None` from [`SLOTS_PER_CLUSTER`] on.
    pub fn new(index: usize) -> Option<Self> {
        let offset = Self(u16::try_from(index).ok()?);
        (index < SLOTS_PER_CLUSTER).then_some(offset)
    }

    /// All positions of a cluster, ascending.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..USED).filter_map(Self::new)
    }

    /// The position of the slot with that number.
    const fn of(slot: u32) -> Self {
        // Lossless: the mask leaves 9 bits.
        Self((slot & OFFSET_MASK) as u16)
    }

    /// The number of the slot at this position of a cluster, whose number is below `CLUSTERS`.
    const fn in_cluster(self, cluster: u32) -> u32 {
        // Lossless: a widening that `From` can't do in a const fn.
        (cluster << OFFSET_BITS) | self.0 as u32
    }

    /// The position as an array index.
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
    fn a_slot_is_its_cluster_and_place() {
        for number in [0, 511, 512, 123_456, u32::MAX] {
            let slot = Slot::new(number);
            assert_eq!(slot.cluster().slot(slot.offset()), slot);
            assert_eq!(
                ClusterNumber::new(slot.cluster().index()),
                Some(slot.cluster())
            );
            let slot = PhysicalSlot::new(number);
            assert_eq!(slot.number(), number);
            assert_eq!(slot.cluster().slot(slot.offset()), slot);
            assert_eq!(
                PhysicalCluster::new(slot.cluster().index()),
                Some(slot.cluster())
            );
        }
        assert_eq!(ClusterNumber::new(1 << 23), None);
        assert_eq!(PhysicalCluster::new(1 << 23), None);
        assert_eq!(PhysicalSlot::new(u32::MAX).checked_add(1), None);
    }

    #[test]
    fn a_cluster_has_512_places() {
        assert!(Offset::all().map(Offset::index).eq(0..SLOTS_PER_CLUSTER));
        assert_eq!(Offset::new(0), Some(Offset::FIRST));
        assert_eq!(Offset::new(SLOTS_PER_CLUSTER), None);
        assert_eq!(Offset::new(1 << 16), None);
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

    #[test]
    fn segments_are_eight_slots() {
        let slot = PhysicalSlot::new(8 * 5 + 3);
        let segment = Segment::of(slot);
        assert_eq!(segment.index(), 5);
        assert_eq!(Segment::index_of(slot), 3);
        assert_eq!(segment.first().number(), 40);
        assert_eq!(segment.slots().count(), SEGMENT_SLOTS);
        assert_eq!(segment.slots().last(), Some(PhysicalSlot::new(47)));
        assert_eq!(Segment::of(PhysicalSlot::new(u32::MAX)).slots().count(), 8);
        assert_eq!(Segment::new(1 << 29), None);
        assert_eq!(Segment::offset(63), Offset::new(504));
        assert_eq!(Segment::offset(SLOTS_PER_CLUSTER / SEGMENT_SLOTS), None);
    }
}
