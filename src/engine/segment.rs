// SPDX-License-Identifier: GPL-2.0-only

//! Segments of a disk: eight slots that hold packed objects.
//!
//! ```text
//! slot 0              slot 1              ...       slot 7
//! | header | object    | header | object ... | header | object | 0 ...   |
//! ```
//!
//! An object begins at a multiple of [`UNIT`] bytes, right behind a header of 8 bytes, and may span two
//! slots. The headers are for the cleaner: they name the slots of the objects, and the
//! slots' entries say which objects are still in use. Behind the last one is a word of zeros, or the
//! segment's end.
//!
//! ```text
//! Header  | slot (32) | length - 1 (12) | codec (2) | 0 (2) | mark (16) |
//! ```
//!
//! With pages of 16 KiB the length has 14 bits, and there are none of 0.
//!
//! A segment is written once, as a whole, and freed as a whole when none of its objects is in use
//! ([`Live`] counts them). So an object stays where its entry says as long as the segment is
//! kept from being freed.

use super::codec::Codec;
use super::entry::{Length, LENGTH_BITS, LENGTH_MASK, UNIT};
use super::page::{Page, PAGE_SIZE, PAGE_WORDS};
use super::slot::Slot;
pub use super::slot::{Segment, SEGMENT_SLOTS};
use super::sync::{AtomicU8, Ordering};

/// Bytes in a segment.
pub const SEGMENT_BYTES: usize = SEGMENT_SLOTS * PAGE_SIZE;

/// The most objects in a segment. [`Live`] counts their readers besides.
pub const MAX_OBJECTS: usize = 96;

/// Bytes in a header, which is a word.
pub const HEADER_BYTES: usize = size_of::<u64>();
const MARK: u64 = 0x7653;
const CODEC_SHIFT: u32 = LENGTH_SHIFT - Codec::BITS;
const CODEC_MASK: u64 = (1 << Codec::BITS) - 1;
const LENGTH_SHIFT: u32 = SLOT_SHIFT - LENGTH_BITS;
const SLOT_SHIFT: u32 = 32;
/// Below the codec: the mark, and bits of 0.
const KNOWN_MASK: u64 = (1 << CODEC_SHIFT) - 1;

const _: () = assert!(UNIT % HEADER_BYTES == 0 && UNIT.is_power_of_two());
// Movers count each object once more.
const _: () = assert!(2 * MAX_OBJECTS < u8::MAX as usize);

/// What the segment's writer counts for, so that nobody takes a segment for written that is not.
const WRITER: u8 = 100;

const _: () = assert!(MAX_OBJECTS < WRITER as usize);
const _: () = assert!(WRITER as usize + MAX_OBJECTS < u8::MAX as usize);

/// A header's contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The slot whose page it was when it was written.
    pub slot: Slot,
    /// The object's length.
    pub length: Length,
    /// Its format.
    pub codec: Codec,
}

impl Header {
    /// The word.
    pub fn to_word(self) -> u64 {
        let length = u64::try_from(self.length.bytes()).unwrap_or(0);
        (u64::from(self.slot.number()) << SLOT_SHIFT)
            | ((length.wrapping_sub(1) & LENGTH_MASK) << LENGTH_SHIFT)
            | (self.codec.to_bits() << CODEC_SHIFT)
            | MARK
    }

    /// The header in a word; `None` if it is none.
    pub fn from_word(word: u64) -> Option<Self> {
        if word & KNOWN_MASK != MARK {
            return None;
        }
        let length = usize::try_from((word >> LENGTH_SHIFT) & LENGTH_MASK).ok()?;
        Some(Self {
            slot: Slot::new(u32::try_from(word >> SLOT_SHIFT).ok()?),
            length: Length::new(length.saturating_add(1))?,
            codec: Codec::from_bits((word >> CODEC_SHIFT) & CODEC_MASK)?,
        })
    }
}

/// The position, in bytes, of an object and its header in a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    /// The header.
    pub header: usize,
    /// The object.
    pub object: usize,
}

impl Spot {
    /// The next one when so many bytes are in use.
    const fn behind(bytes: usize) -> Self {
        let object = bytes.saturating_add(const { HEADER_BYTES + UNIT - 1 }) & !(UNIT - 1);
        Self {
            header: object.saturating_sub(HEADER_BYTES),
            object,
        }
    }
}

/// How full a segment under construction is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filling {
    bytes: usize,
    objects: usize,
}

impl Filling {
    /// Makes room for an object of that length. `None`: there is none.
    pub fn add(&mut self, length: Length) -> Option<Spot> {
        let spot = Spot::behind(self.bytes);
        let end = spot.object.saturating_add(length.bytes());
        if self.objects >= MAX_OBJECTS || end > SEGMENT_BYTES {
            return None;
        }
        self.objects = self.objects.saturating_add(1);
        self.bytes = end.next_multiple_of(HEADER_BYTES);
        Some(spot)
    }

    /// Bytes in use, headers included.
    pub fn bytes(self) -> usize {
        self.bytes
    }
}

/// The objects of a segment that was read, with their positions in bytes.
pub struct Objects<F> {
    word: F,
    next: usize,
}

impl<F: Fn(usize) -> Option<u64>> Objects<F> {
    /// Those of a segment whose words `word` returns by their index.
    pub fn new(word: F) -> Self {
        Self { word, next: 0 }
    }
}

impl<F: Fn(usize) -> Option<u64>> Iterator for Objects<F> {
    type Item = (Header, usize);

    fn next(&mut self) -> Option<Self::Item> {
        let Spot { header, object } = Spot::behind(self.next);
        let header = Header::from_word((self.word)(header / HEADER_BYTES)?)?;
        let end = object.saturating_add(header.length.bytes());
        if end > SEGMENT_BYTES {
            return None;
        }
        self.next = end;
        Some((header, object))
    }
}

/// The word of that index of some pages.
pub fn word_of<'a>(page: impl Fn(usize) -> Option<&'a Page>, index: usize) -> Option<u64> {
    page(index / PAGE_WORDS)?.get(index % PAGE_WORDS).copied()
}

/// How many of a segment's objects are in use, and how many tasks read or write it. Zeroed memory
/// is a segment that is not in use.
///
/// The last one to [leave](Live::leave) frees the segment. A reader of an object
/// [enters](Live::enter), and then checks that the object's slot still says that it lies there; if so
/// it stays until the reader leaves, whatever happens to the slot.
#[derive(Debug, Default)]
pub struct Live(AtomicU8);

impl Live {
    /// The caller has claimed the segment to write it, and is the first to be counted.
    pub fn begin(&self) {
        self.0.store(WRITER, Ordering::Release);
    }

    /// The writer is counted no more: the segment is written, or holds nothing. As for
    /// [`leave`](Self::leave).
    #[must_use]
    pub fn end_writing(&self) -> Option<bool> {
        self.give_up(WRITER)
    }

    /// Counts one more if the segment is in use, and was written. It may say of a written segment with many
    /// readers that it is not.
    #[must_use]
    pub fn enter_written(&self) -> bool {
        self.count_up(WRITER)
    }

    /// Counts one more if the segment is in use, and the count is not at its maximum.
    #[must_use]
    pub fn enter(&self) -> bool {
        self.count_up(u8::MAX)
    }

    /// Counts one more of less than `end`, but not of none.
    fn count_up(&self, end: u8) -> bool {
        self.0
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, |live| {
                (live != 0 && live < end).then(|| live.wrapping_add(1))
            })
            .is_ok()
    }

    /// Counts one less. Says whether it was the last one, who must free the segment; `None`: nobody
    /// was counted, so the caller has miscounted.
    #[must_use]
    pub fn leave(&self) -> Option<bool> {
        self.give_up(1)
    }

    fn give_up(&self, count: u8) -> Option<bool> {
        self.0
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, |live| {
                live.checked_sub(count)
            })
            .map(|before| before == count)
            .ok()
    }

    /// The count.
    pub fn count(&self) -> usize {
        usize::from(self.0.load(Ordering::Relaxed))
    }
}

#[cfg(all(test, not(loom)))]
#[path = "segment_tests.rs"]
mod tests;
