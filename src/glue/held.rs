// SPDX-License-Identifier: GPL-2.0-only

//! Who may do what with an entry's object, as types.
//!
//! An entry is a plain word, which anybody may copy; freeing its object twice, or reading it
//! after it was freed, corrupts memory. So outside the wrapper modules entries with objects
//! are met as one of these only. The module has one device and that has one pool, so no type
//! says whose object it is.

use crate::engine::entry::{Content, Entry, Object};
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
/// Dropping it without giving it to [`Pool::free`](super::zsmalloc::Pool::free) leaks its
/// object.
///
/// # Invariants
///
/// No table and no other `Owned` holds the entry's object, and nobody reads it.
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

    /// What the entry says.
    #[inline]
    pub(crate) fn content(&self) -> Option<Content> {
        self.0.content()
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

    /// What the entry says.
    #[inline]
    pub(crate) fn content(&self) -> Option<HeldContent<'_>> {
        Some(match self.0.content()? {
            Content::Empty => HeldContent::Empty,
            Content::Same(word) => HeldContent::Same(word),
            Content::Ram(object) => HeldContent::Ram(HeldObject(object, PhantomData)),
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
