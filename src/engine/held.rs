// SPDX-License-Identifier: GPL-2.0-only

//! Ownership of an entry's object, as types.
//!
//! An entry is a plain word, which anybody may copy; freeing its object twice, or reading it
//! after it was freed, corrupts memory. So outside the index entries with objects occur only as one
//! of these types. There is one device with one pool, so no type says whose object it is.

use super::entry::{Content, Entry, Object, Packed, Place};
use super::slot::Slot;
use core::marker::PhantomData;

/// A slot that the swap core leaves as it is while it waits for the holder of this, which
/// alone changes it.
///
/// # Invariants
///
/// The slot's folio is locked or under writeback for `'a`: no other write, read or freeing of
/// the slot happens meanwhile.
#[derive(Debug)]
pub struct PinnedSlot<'a>(Slot, PhantomData<&'a ()>);

impl PinnedSlot<'_> {
    /// A slot that is pinned: for code that the swap core calls, and that keeps the invariant.
    #[inline]
    pub const fn new(slot: Slot) -> Self {
        // INVARIANT: as this function says.
        Self(slot, PhantomData)
    }

    /// Which slot.
    #[inline]
    pub const fn slot(&self) -> Slot {
        self.0
    }
}

/// An entry that is in no table: one not put into one yet, or one taken out.
///
/// Dropping it without passing it to its tier leaks its object or its place
/// on a disk.
///
/// # Invariants
///
/// No table and no other `Owned` holds the entry's object, and nobody reads it; or a mover
/// does, the entry says so, and the object is left to that mover.
#[must_use]
#[derive(Debug)]
pub struct Owned(Entry);

impl Owned {
    /// The empty entry.
    pub const EMPTY: Self = Self(Entry::EMPTY);

    /// The entry of a page that was abandoned.
    pub const LOST: Self = Self(Entry::LOST);

    /// The entry of a page that is `word`, repeated, or `None` when that does not fit in an entry.
    #[inline]
    pub fn same(word: u64) -> Option<Self> {
        // INVARIANT: such an entry has no object.
        Entry::same(word).map(Self)
    }

    /// The entry of a page whose object was just made: for the pool, which made no other.
    #[inline]
    pub fn ram(object: Object) -> Self {
        // INVARIANT: as this function says.
        Self(Entry::ram(object))
    }

    /// The entry of a page that lies on a disk, at a place that is the caller's.
    #[inline]
    pub fn disk(place: Place) -> Self {
        // INVARIANT: such an entry has no object.
        Self(Entry::disk(place))
    }

    /// The entry of a page that is an object on a disk, in whose segment it is counted.
    #[inline]
    pub fn packed(packed: Packed) -> Self {
        // INVARIANT: such an entry has no object of the ram tier.
        Self(Entry::packed(packed))
    }

    /// An entry that was taken out of its table.
    #[inline]
    pub(super) fn taken(entry: Entry) -> Self {
        // INVARIANT: as this function says; only one caller takes an entry out.
        Self(entry)
    }

    /// The entry as that of a slot which keeps it meanwhile, for reading.
    pub fn held(&self) -> Held<'_> {
        // INVARIANT: nobody else frees what it holds, and this is borrowed.
        Held(self.0, PhantomData)
    }

    /// The entry's meaning.
    #[inline]
    pub fn content(&self) -> Option<Content> {
        self.0.content()
    }

    /// Whether it is the empty entry.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The object, for the pool to free; `None` if there is none, or it is left to a mover, which
    /// frees it.
    #[inline]
    pub fn into_object(self) -> Option<Object> {
        match self.0.content() {
            Some(Content::Ram(object)) if !self.0.is_moving() => Some(object),
            _ => None,
        }
    }

    /// The entry, for a table.
    #[inline]
    pub(super) fn entry(&self) -> Entry {
        self.0
    }
}

/// The entry of a slot that stays in use.
///
/// # Invariants
///
/// The entry's object is not freed for `'a`.
#[derive(Debug)]
pub struct Held<'a>(Entry, PhantomData<&'a ()>);

impl Held<'_> {
    /// The entry of a slot that is pinned, as long as its reader lives.
    #[inline]
    pub(super) fn new(entry: Entry) -> Self {
        // INVARIANT: as this function says.
        Self(entry, PhantomData)
    }

    /// The entry, for display.
    #[inline]
    pub fn entry(&self) -> Entry {
        self.0
    }

    /// The entry's meaning.
    // As [`Entry::content`].
    #[inline(always)]
    pub fn content(&self) -> Option<HeldContent<'_>> {
        Some(match self.0.content()? {
            Content::Empty => HeldContent::Empty,
            Content::Same(word) => HeldContent::Same(word),
            Content::Ram(object) => HeldContent::Ram(HeldObject(object, PhantomData)),
            Content::Disk(place) => HeldContent::Disk(place),
            Content::Packed(packed) => HeldContent::Packed(packed),
            Content::Lost => HeldContent::Lost,
        })
    }
}

/// The meaning of a [`Held`] entry.
pub type HeldContent<'a> = Content<HeldObject<'a>>;

/// An object that is not freed for `'a`.
#[derive(Debug)]
pub struct HeldObject<'a>(Object, PhantomData<&'a ()>);

impl HeldObject<'_> {
    /// The object.
    #[inline]
    pub fn object(&self) -> Object {
        self.0
    }
}

/// A slot whose object a mover reads. The mover must end this with
/// [`finish_move`](super::index::Index::finish_move) or
/// [`abandon_move`](super::index::Index::abandon_move).
///
/// # Invariants
///
/// The entry is a moving one and no other `Moving` has it, so nobody else frees its object
/// as long as this lives.
#[must_use]
#[derive(Debug)]
pub struct Moving(Slot, Entry);

impl Moving {
    /// A slot's entry was just marked.
    pub(super) fn new(slot: Slot, entry: Entry) -> Self {
        // INVARIANT: as this function says.
        Self(slot, entry)
    }

    /// Which slot.
    pub fn slot(&self) -> Slot {
        self.0
    }

    /// The object.
    pub fn object(&self) -> Option<HeldObject<'_>> {
        match self.1.content() {
            Some(Content::Ram(object)) => Some(HeldObject(object, PhantomData)),
            _ => None,
        }
    }

    pub(super) fn into_entry(self) -> Entry {
        self.1
    }
}

/// An entry, or a table, that was replaced while it may have had readers.
#[must_use]
#[derive(Debug)]
pub struct Retired<T = Owned>(T);

impl<T> Retired<T> {
    /// What was just replaced.
    pub(super) fn new(old: T) -> Self {
        Self(old)
    }

    /// The retired value, when the caller has waited for a grace period, or in some other way for
    /// the entry's readers.
    pub fn after_readers(self) -> T {
        self.0
    }

    /// The retired value, to look at.
    pub fn get(&self) -> &T {
        &self.0
    }
}
