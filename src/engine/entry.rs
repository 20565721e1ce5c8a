// SPDX-License-Identifier: GPL-2.0-only

//! Table entries: one 64-bit word a slot.
//!
//! ```text
//!          63                     20 19  17 16 15        4 3     2 1  0
//! Empty   | 0                                                     | 00 |
//! Same    | bits 60..0 of a word, bits 63..60 alike |  0          | 01 |   bit 2 = 0
//! Same    | 0                  | half word, bits 34..3 |  1       | 01 |   bit 2 = 1
//! Ram     | handle (44 bits)      | age   | m | length - 1 | codec | 10 |
//! Disk    | 0 (24)  | physical slot, bits 39..8 | 0 (1) | disk (4) | 0 | 11 |   bit 2 = 0
//! Packed  | 0 | offset (9) | length - 1 (12) | codec (2)  -- bits 63..40
//!         |           physical slot, bits 39..8 | 1 (1) | disk (4) | 0 | 11 |   bit 2 = 0
//! Lost    | 0                                                 | 1 | 11 |   bit 2 = 1
//! ```
//!
//! - **Empty**: nothing is stored. It is the zero word, so that zeroed memory is an empty table.
//! - **Same**: the page is one 8-byte word, repeated. An entry can hold words whose upper four bits
//!   are alike (zero and small numbers of either sign, kernel pointers), in 61 bits, and words
//!   that repeat a half word of 4 bytes (any byte, any 4-byte number), in 32 bits. Other words
//!   do not fit, and are kept as an object of 8 bytes in the ram tier.
//! - **Ram**: the page is an object of `length` bytes in the ram tier. `m` says that a mover
//!   is reading the object, and that whoever takes the entry out of its table leaves the
//!   object to that mover. `age` is the label of the page's generation.
//! - **Disk**: the page lies in a physical slot of a disk.
//! - **Packed**: the page is an object of `length` bytes on a disk, which begins `offset` units of
//!   8 bytes into a physical slot, and may end in the next one, of the same
//!   [segment](super::segment).
//! - **Lost**: the page lay on a disk that was abandoned; reading it is an error.
//!
//! With pages of 16 KiB lengths have 14 bits, a handle 42, and an offset, in units of 64 bytes, 8.
//!
//! Bits drawn as 0 must be 0: [`Entry::content`] returns `None` for any other word.

use super::codec::Codec;
use super::generation::Generation;
use super::page::PAGE_SIZE;
use super::slot::{PhysicalSlot, Segment, SEGMENT_SLOTS};

const STATE_BITS: u32 = 2;
const STATE_MASK: u64 = (1 << STATE_BITS) - 1;
const STATE_EMPTY: u64 = 0b00;
const STATE_SAME: u64 = 0b01;
const STATE_RAM: u64 = 0b10;
const STATE_DISK: u64 = 0b11;

const HALF_FLAG: u64 = 1 << STATE_BITS;
const SAME_SHIFT: u32 = STATE_BITS + 1;

const CODEC_SHIFT: u32 = STATE_BITS;
const CODEC_MASK: u64 = (1 << Codec::BITS) - 1;
const LENGTH_SHIFT: u32 = CODEC_SHIFT + Codec::BITS;
/// Bits of a length, of which a page's is the largest, minus 1.
pub(super) const LENGTH_BITS: u32 = PAGE_SIZE.trailing_zeros();
pub(super) const LENGTH_MASK: u64 = (1 << LENGTH_BITS) - 1;
const HANDLE_SHIFT: u32 = AGE_SHIFT + Generation::BITS;
const MOVING_FLAG: u64 = 1 << (LENGTH_SHIFT + LENGTH_BITS);
const AGE_SHIFT: u32 = LENGTH_SHIFT + LENGTH_BITS + 1;
const AGE_MASK: u64 = (1 << Generation::BITS) - 1;

const LOST: u64 = (1 << STATE_BITS) | STATE_DISK;
const DISK_SHIFT: u32 = STATE_BITS + 1;
const DISK_BITS: u32 = 4;
const DISK_MASK: u64 = (1 << DISK_BITS) - 1;
const PHYSICAL_SHIFT: u32 = 8;
const PACKED_FLAG: u64 = 1 << (DISK_SHIFT + DISK_BITS);
const PACKED_CODEC_SHIFT: u32 = PHYSICAL_SHIFT + u32::BITS;
const PACKED_LENGTH_SHIFT: u32 = PACKED_CODEC_SHIFT + Codec::BITS;
const PACKED_OFFSET_SHIFT: u32 = PACKED_LENGTH_SHIFT + LENGTH_BITS;
const PACKED_OFFSET_BITS: u32 = (PAGE_SIZE / UNIT).trailing_zeros();
const PACKED_OFFSET_MASK: u64 = (1 << PACKED_OFFSET_BITS) - 1;

/// Packed objects begin at multiples of that many bytes.
pub const UNIT: usize = if PAGE_SIZE == 4096 { 8 } else { 64 };

/// Bits in a [`Handle`].
pub const HANDLE_BITS: u32 = u64::BITS - HANDLE_SHIFT;

const _: () = assert!(PAGE_SIZE.is_power_of_two());
const _: () = assert!(DISK_SHIFT + DISK_BITS < PHYSICAL_SHIFT);
const _: () = assert!(PACKED_OFFSET_SHIFT + PACKED_OFFSET_BITS <= u64::BITS);
const _: () = assert!(MAX_DISKS <= 1 << DISK_BITS);
// Of addresses in units of 8 bytes: memory of 32 TiB.
const _: () = assert!(HANDLE_BITS >= 42);
const _: () = assert!(Length::PAGE.bytes() == PAGE_SIZE);
const _: () = assert!(SAME_SHIFT + u32::BITS <= u64::BITS);
const _: () = assert!(size_of::<Entry>() == 8);

/// A table entry: where a slot's page lies. See the module for the layout.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(transparent)]
pub struct Entry(u64);

/// The meaning of an entry, with objects of the ram tier as an `O`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Content<O = Object> {
    /// Nothing is stored.
    Empty,
    /// The page is this word, repeated.
    Same(u64),
    /// The page is an object in the ram tier.
    Ram(O),
    /// The page lies on a disk.
    Disk(Place),
    /// The page is an object on a disk.
    Packed(Packed),
    /// The page lay on a disk that was abandoned.
    Lost,
}

/// The most disks that a device can have.
pub const MAX_DISKS: usize = 8;

/// Which disk of a device, below [`MAX_DISKS`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DiskNumber(u8);

/// Where a page lies on a disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// Which disk.
    pub disk: DiskNumber,
    /// Which slot of it.
    pub slot: PhysicalSlot,
}

/// An object in the ram tier.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Object {
    /// The object's handle in the pool.
    pub handle: Handle,
    /// The object's length.
    pub length: Length,
    /// Its format.
    pub codec: Codec,
}

/// An object on a disk, among others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Packed {
    /// Where it begins: the first of the one or two slots that it lies in.
    pub place: Place,
    offset: u16,
    /// The object's length.
    pub length: Length,
    /// Its format.
    pub codec: Codec,
}

/// An object's number in its pool, of [`HANDLE_BITS`] bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Handle(u64);

/// An object's length in bytes, from 1 to a page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Length(u16);

/// A word from its lower 61 bits: the upper ones equal the topmost of those.
const fn extended(bits: u64) -> u64 {
    const TOP: u64 = 1 << (u64::BITS - SAME_SHIFT - 1);
    (bits ^ TOP).wrapping_sub(TOP)
}

impl Handle {
    /// The handle with that number, or `None` when it takes more than [`HANDLE_BITS`] bits.
    pub const fn new(number: u64) -> Option<Self> {
        if number >> HANDLE_BITS == 0 {
            Some(Self(number))
        } else {
            None
        }
    }

    /// The number.
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl Packed {
    /// An object that begins `offset` bytes into the slot. `None`: it can't begin there, or would end
    /// outside of the slot's segment.
    pub fn new(place: Place, offset: usize, length: Length, codec: Codec) -> Option<Self> {
        if offset % UNIT != 0 || offset >= PAGE_SIZE {
            return None;
        }
        let packed = Self {
            place,
            offset: u16::try_from(offset).ok()?,
            length,
            codec,
        };
        packed.is_in_segment().then_some(packed)
    }

    /// Bytes from the slot's start to the object's.
    pub const fn offset(self) -> usize {
        // Lossless: a widening that `From` can't do in a const fn.
        self.offset as usize
    }

    /// The slots that it lies in: 1 or 2.
    pub const fn slots(self) -> usize {
        if self.offset().saturating_add(self.length.bytes()) > PAGE_SIZE {
            2
        } else {
            1
        }
    }

    /// Those slots.
    pub fn all_slots(self) -> impl Iterator<Item = PhysicalSlot> {
        let first = self.place.slot;
        (0..self.slots()).filter_map(move |index| first.checked_add(index))
    }

    /// The segment that it lies in.
    pub const fn segment(self) -> Segment {
        Segment::of(self.place.slot)
    }

    /// Bytes from the segment's start to the object's.
    pub const fn in_segment(self) -> usize {
        Segment::index_of(self.place.slot)
            .saturating_mul(PAGE_SIZE)
            .saturating_add(self.offset())
    }

    const fn is_in_segment(self) -> bool {
        Segment::index_of(self.place.slot).saturating_add(self.slots()) <= SEGMENT_SLOTS
    }
}

impl DiskNumber {
    /// The disk with that number, or `None` when there can't be one.
    #[allow(clippy::cast_possible_truncation, reason = "checked just before")]
    pub const fn new(number: usize) -> Option<Self> {
        if number < MAX_DISKS {
            // Lossless: checked above.
            Some(Self(number as u8))
        } else {
            None
        }
    }

    /// The number, as an index.
    pub const fn index(self) -> usize {
        // Lossless: a widening that `From` can't do in a const fn.
        self.0 as usize
    }
}

impl Length {
    /// A whole page.
    #[allow(clippy::cast_possible_truncation, reason = "asserted above")]
    pub const PAGE: Self = Self(PAGE_SIZE as u16);

    /// That many bytes, or `None` when that is 0 or more than a page.
    pub fn new(bytes: usize) -> Option<Self> {
        let length = Self(u16::try_from(bytes).ok()?);
        (1..=PAGE_SIZE).contains(&bytes).then_some(length)
    }

    /// Bytes, from 1 to a page.
    pub const fn bytes(self) -> usize {
        // Lossless: a widening that `From` can't do in a const fn.
        self.0 as usize
    }
}

impl Entry {
    /// Nothing is stored.
    pub const EMPTY: Self = Self(0);

    /// A page of `word`, repeated, or `None` when that word does not fit in an entry.
    pub const fn same(word: u64) -> Option<Self> {
        let shifted = word << SAME_SHIFT;
        if extended(shifted >> SAME_SHIFT) == word {
            return Some(Self(shifted | STATE_SAME));
        }
        let half = word & 0xffff_ffff;
        if word >> 32 == half {
            Some(Self((half << SAME_SHIFT) | HALF_FLAG | STATE_SAME))
        } else {
            None
        }
    }

    /// A page that is an object in the ram tier.
    pub const fn ram(object: Object) -> Self {
        let length = (object.length.0 as u64).wrapping_sub(1) & LENGTH_MASK;
        Self(
            (object.handle.0 << HANDLE_SHIFT)
                | (length << LENGTH_SHIFT)
                | (object.codec.to_bits() << CODEC_SHIFT)
                | STATE_RAM,
        )
    }

    /// A page that lies on a disk.
    pub const fn disk(place: Place) -> Self {
        Self(
            ((place.slot.number() as u64) << PHYSICAL_SHIFT)
                | ((place.disk.0 as u64) << DISK_SHIFT)
                | STATE_DISK,
        )
    }

    /// A page that is an object on a disk.
    pub const fn packed(packed: Packed) -> Self {
        let length = (packed.length.0 as u64).wrapping_sub(1) & LENGTH_MASK;
        let offset = (packed.offset() / UNIT) as u64 & PACKED_OFFSET_MASK;
        Self(
            Self::disk(packed.place).0
                | PACKED_FLAG
                | (packed.codec.to_bits() << PACKED_CODEC_SHIFT)
                | (length << PACKED_LENGTH_SHIFT)
                | (offset << PACKED_OFFSET_SHIFT),
        )
    }

    /// A page that lay on a disk which was abandoned.
    pub const LOST: Self = Self(LOST);

    /// The same entry, with that generation if it is one of the ram tier.
    #[inline]
    pub const fn aged(self, generation: Generation) -> Self {
        if self.is_ram() {
            Self((self.0 & !(AGE_MASK << AGE_SHIFT)) | (generation.to_bits() << AGE_SHIFT))
        } else {
            self
        }
    }

    /// The generation of the page, if it is in the ram tier.
    #[inline]
    pub const fn generation(self) -> Option<Generation> {
        if self.is_ram() {
            // Lossless: 3 bits.
            Some(Generation::of(((self.0 >> AGE_SHIFT) & AGE_MASK) as u32))
        } else {
            None
        }
    }

    /// Whether the page is in the ram tier uncompressed, because it is incompressible.
    #[inline]
    pub const fn is_raw(self) -> bool {
        self.is_ram() && (self.0 >> CODEC_SHIFT) & CODEC_MASK == Codec::Raw.to_bits()
    }

    /// The object's length in bytes; 0 for a page that is not in the ram tier.
    #[inline]
    pub const fn ram_bytes(self) -> usize {
        if self.is_ram() {
            // Lossless: that of a page, at most.
            (((self.0 >> LENGTH_SHIFT) & LENGTH_MASK) as usize).wrapping_add(1)
        } else {
            0
        }
    }

    /// The same entry of the ram tier, with a mover reading its object; `None` for any other
    /// entry, and for one that another mover has.
    pub const fn moving(self) -> Option<Self> {
        if self.0 & STATE_MASK == STATE_RAM && self.0 & MOVING_FLAG == 0 {
            Some(Self(self.0 | MOVING_FLAG))
        } else {
            None
        }
    }

    /// The same entry, without a mover.
    pub const fn settled(self) -> Self {
        if self.is_moving() {
            Self(self.0 & !MOVING_FLAG)
        } else {
            self
        }
    }

    /// Whether a mover is reading the entry's object.
    pub const fn is_moving(self) -> bool {
        self.0 & STATE_MASK == STATE_RAM && self.0 & MOVING_FLAG != 0
    }

    /// The entry's meaning, or `None` for a word that no constructor makes.
    // Inlined: each caller needs only a part of it, and then the rest is not computed.
    #[inline(always)]
    pub const fn content(self) -> Option<Content> {
        let word = self.0;
        match word & STATE_MASK {
            STATE_EMPTY if word == 0 => Some(Content::Empty),
            STATE_SAME if word & HALF_FLAG == 0 => {
                Some(Content::Same(extended(word >> SAME_SHIFT)))
            }
            STATE_SAME if word >> (SAME_SHIFT + u32::BITS) == 0 => {
                let half = word >> SAME_SHIFT;
                Some(Content::Same((half << 32) | half))
            }
            STATE_RAM => {
                let Some(codec) = Codec::from_bits((word >> CODEC_SHIFT) & CODEC_MASK) else {
                    return None;
                };
                // Lossless: that of a page, at most.
                let length = ((word >> LENGTH_SHIFT) & LENGTH_MASK) as u16;
                Some(Content::Ram(Object {
                    handle: Handle(word >> HANDLE_SHIFT),
                    length: Length(length.wrapping_add(1)),
                    codec,
                }))
            }
            STATE_DISK if word == LOST => Some(Content::Lost),
            STATE_DISK if word & LOST == STATE_DISK => {
                let Some(disk) = DiskNumber::new(((word >> DISK_SHIFT) & DISK_MASK) as usize)
                else {
                    return None;
                };
                // Lossless: masked.
                let slot = PhysicalSlot::new(((word >> PHYSICAL_SHIFT) & 0xffff_ffff) as u32);
                let place = Place { disk, slot };
                if word & PACKED_FLAG != 0 {
                    return Self::packed_content(word, place);
                }
                if word >> PACKED_CODEC_SHIFT != 0 {
                    return None;
                }
                Some(Content::Disk(place))
            }
            _ => None,
        }
    }

    const fn packed_content(word: u64, place: Place) -> Option<Content> {
        let Some(codec) = Codec::from_bits((word >> PACKED_CODEC_SHIFT) & CODEC_MASK) else {
            return None;
        };
        // Lossless: that of a page, at most.
        let length = ((word >> PACKED_LENGTH_SHIFT) & LENGTH_MASK) as u16;
        // Lossless: below a page, in units.
        let offset = ((word >> PACKED_OFFSET_SHIFT) & PACKED_OFFSET_MASK) as u16;
        let packed = Packed {
            place,
            offset: offset.wrapping_shl(UNIT.trailing_zeros()),
            length: Length(length.wrapping_add(1)),
            codec,
        };
        let is_known = word >> PACKED_OFFSET_SHIFT <= PACKED_OFFSET_MASK;
        if is_known && packed.is_in_segment() {
            Some(Content::Packed(packed))
        } else {
            None
        }
    }

    /// Whether the page is in the ram tier.
    #[inline]
    pub const fn is_ram(self) -> bool {
        self.0 & STATE_MASK == STATE_RAM
    }

    /// Whether nothing is stored.
    pub const fn is_empty(self) -> bool {
        self.0 == Self::EMPTY.0
    }

    /// The word, as stored in a table.
    pub const fn to_word(self) -> u64 {
        self.0
    }

    /// The entry of a word stored in a table.
    pub const fn from_word(word: u64) -> Self {
        Self(word)
    }
}

#[cfg(test)]
#[path = "entry_tests.rs"]
mod tests;
