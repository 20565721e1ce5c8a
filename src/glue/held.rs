// SPDX-License-Identifier: GPL-2.0-only

//! Who may do what with an entry's object, as types.
//!
//! An entry is a plain word, which anybody may copy; freeing its object twice, or reading it
//! after it was freed, corrupts memory. So outside the wrapper modules entries with objects
//! are met as one of these only. The module has one device and that has one pool, so no type
//! says whose object it is.

use super::trace;
use crate::engine::entry::{Content, Entry, Object, Place};
use crate::engine::slot::Slot;
use core::marker::PhantomData;

/// A slot that the swap core keeps as it is, except for what the holder of this does to it,
/// while it waits for the holder.
///
/// # Invariants
///
/// The slot's folio is locked or under writeback for `'a`: no other write, read or freeing of
/// the slot happens meanwhile.
pub(crate) struct PinnedSlot<'a>(Slot, PhantomData<&'a ()>);

impl PinnedSlot<'_> {
    /// The slot is pinned.
    ///
    /// # Safety
    ///
    /// The invariant of the type holds as long as the value lives.
    pub(super) unsafe fn new(slot: Slot) -> Self {
        // INVARIANT: as this function requires.
        Self(slot, PhantomData)
    }

    /// Which slot.
    #[inline]
    pub(crate) fn slot(&self) -> Slot {
        self.0
    }
}

/// An entry that is in no table: one not put into one yet, or one taken out.
///
/// Dropping it without giving it to the tier that it belongs to leaks its object or its place
/// on a disk.
///
/// # Invariants
///
/// No table and no other `Owned` holds the entry's object, and nobody reads it; or a mover
/// does, the entry says so, and the object is left to that mover.
#[must_use]
pub(crate) struct Owned(Entry);

impl Owned {
    /// The empty entry.
    pub(crate) const EMPTY: Self = Self(Entry::EMPTY);

    /// The entry of a page that is `word`, repeated, or `None` when an entry can't hold that.
    #[inline]
    pub(crate) fn same(word: u64) -> Option<Self> {
        // INVARIANT: such an entry has no object.
        Entry::same(word).map(Self)
    }

    /// An entry is the caller's alone from now on.
    ///
    /// # Safety
    ///
    /// The invariant of the type holds: the entry was just made, or taken out of its table.
    #[inline]
    pub(super) unsafe fn new(entry: Entry) -> Self {
        // INVARIANT: as this function requires.
        Self(entry)
    }

    /// The entry of a page that lies on a disk, at a place that is the caller's.
    #[inline]
    pub(crate) fn disk(place: Place) -> Self {
        // INVARIANT: such an entry has no object.
        Self(Entry::disk(place))
    }

    /// The entry of a page that was given up.
    pub(crate) const LOST: Self = Self(Entry::LOST);

    /// What the entry says.
    #[inline]
    pub(crate) fn content(&self) -> Option<Content> {
        self.0.content()
    }

    /// Whether it is the empty entry.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the object is left to a mover.
    #[inline]
    pub(super) fn is_moving(&self) -> bool {
        self.0.is_moving()
    }

    /// The entry, to be put into a table.
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
pub(crate) struct Held<'a>(Entry, PhantomData<&'a ()>);

impl Held<'_> {
    /// The entry of a slot.
    ///
    /// # Safety
    ///
    /// The invariant of the type holds as long as the value lives.
    #[inline]
    pub(super) unsafe fn new(entry: Entry) -> Self {
        // INVARIANT: as this function requires.
        Self(entry, PhantomData)
    }

    /// Reports that the page of that slot is read.
    #[inline(always)]
    pub(crate) fn trace(&self, slot: &PinnedSlot<'_>) {
        trace::load(slot.slot(), self.0);
    }

    /// What the entry says.
    // As [`Entry::content`].
    #[inline(always)]
    pub(crate) fn content(&self) -> Option<HeldContent<'_>> {
        Some(match self.0.content()? {
            Content::Empty => HeldContent::Empty,
            Content::Same(word) => HeldContent::Same(word),
            Content::Ram(object) => HeldContent::Ram(HeldObject(object, PhantomData)),
            Content::Disk(place) => HeldContent::Disk(place),
            Content::Lost => HeldContent::Lost,
        })
    }
}

/// What a [`Held`] entry says; see [`Content`].
pub(crate) enum HeldContent<'a> {
    /// Nothing is stored.
    Empty,
    /// The page is this word, repeated.
    Same(u64),
    /// The page is an object in the ram tier.
    Ram(HeldObject<'a>),
    /// The page lies on a disk.
    Disk(Place),
    /// The page lay on a disk that was given up.
    Lost,
}

/// An object that is not freed for `'a`.
pub(crate) struct HeldObject<'a>(Object, PhantomData<&'a ()>);

impl HeldObject<'_> {
    /// The object.
    #[inline]
    pub(crate) fn object(&self) -> Object {
        self.0
    }
}

/// A slot whose object a mover reads, and which is the mover's to end: by
/// [`finish_move`](super::index::Index::finish_move) or
/// [`abandon_move`](super::index::Index::abandon_move).
///
/// # Invariants
///
/// The entry is a moving one and no other `Moving` has it, so its object is freed by nobody
/// else as long as this lives.
#[must_use]
pub(crate) struct Moving(Slot, Entry);

impl Moving {
    /// A slot's entry was marked.
    ///
    /// # Safety
    ///
    /// The invariant of the type holds.
    pub(super) unsafe fn new(slot: Slot, entry: Entry) -> Self {
        // INVARIANT: as this function requires.
        Self(slot, entry)
    }

    /// Which slot.
    pub(crate) fn slot(&self) -> Slot {
        self.0
    }

    /// The object.
    pub(crate) fn object(&self) -> Option<HeldObject<'_>> {
        match self.1.content() {
            Some(Content::Ram(object)) => Some(HeldObject(object, PhantomData)),
            _ => None,
        }
    }

    pub(super) fn into_entry(self) -> Entry {
        self.1
    }
}
