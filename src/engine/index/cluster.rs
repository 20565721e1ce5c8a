// SPDX-License-Identifier: GPL-2.0-only

//! A cluster object: the entries of 512 consecutive virtual slots.

use super::super::entry::Entry;
use super::super::form::{Form, Home};
use super::super::freed::FreedSlots;
use super::super::map::{Bits, SlotMap};
use super::super::number::Carried;
use super::super::platform::{Lock, Platform, Rank, TableMemory};
use super::super::slot::{ClusterNumber, Offset};
use super::super::sync::{guarded, AtomicUsize, Ordering};
use super::super::table::{Change, Occupancy};

/// A cluster object: a cluster from its publication until it is dropped, or for a shorter time.
///
/// # Invariants
///
/// - While the object carries a number, `form` is the cluster's: when it is a table, its
///   address is that of memory which is the cluster's own.
/// - A table that the form no longer names is freed a grace period later.
/// - The object gives its number up under its lock, before it leaves the index.
///
/// The fields are ordered by cache line: a look-up, and the marking of a freed slot, need the
/// first one and one of the marks.
#[repr(C)]
pub(super) struct Cluster<P: Platform> {
    pub(super) carried: Carried,
    /// When a page was last stored in the cluster, in seconds. Guarded by the lock.
    stored: guarded::AtomicU32,
    /// A [`Form`]. Changed with the lock held, or before the object is published.
    form: AtomicUsize,
    /// Guards changes of the entries, the form and what the object carries.
    occupancy: P::Lock<Occupancy>,
    /// Slots that the swap core has freed, and not stored to since: the next sweep releases their
    /// entries.
    pub(super) freed: FreedSlots,
    /// The slots in use, for a whole cluster. For any other form it is stale or clear.
    map: SlotMap,
}

impl<P: Platform> Cluster<P> {
    /// A cluster with no slot in use.
    pub(super) fn new(number: ClusterNumber, form: NewForm<P>) -> Self {
        let cluster = Self {
            carried: Carried::default(),
            stored: guarded::AtomicU32::new(0),
            form: AtomicUsize::new(form.into_word()),
            occupancy: P::Lock::new(Occupancy::EMPTY, Rank::Cluster),
            freed: FreedSlots::default(),
            map: SlotMap::default(),
        };
        // INVARIANT: a new page is an empty table, an empty map a whole cluster with no slot in
        // use, and the occupancy matches both.
        cluster.carried.take(number);
        cluster
    }

    /// The entry at `offset`, without the lock. The caller is a reader, and the object carries the
    /// number of a cluster in which the slot is in use, and stays so; or it says that there is none.
    #[inline]
    pub(super) fn load(&self, offset: Offset) -> Entry {
        // A table stays one for at least a grace period, as a slot is in use.
        self.entry(Form::from_word(self.form.load(Ordering::Acquire)), offset)
    }

    /// The entry at `offset` of a cluster of that form.
    #[inline(always)]
    fn entry(&self, form: Form, offset: Offset) -> Entry {
        match form {
            Form::Table(address) => P::TableMemory::with(address, |table| table.load(offset)),
            Form::Whole(home) if self.map.test(offset) => home.entry(offset),
            Form::Whole(_) | Form::None => Entry::EMPTY,
        }
    }

    /// The form, without the lock: it may have changed by now.
    #[inline]
    pub(super) fn form(&self) -> Form {
        Form::from_word(self.form.load(Ordering::Relaxed))
    }

    /// Takes the lock; `None` when the object is not that cluster.
    #[inline]
    pub(super) fn lock(&self, number: ClusterNumber) -> Option<Locked<'_, P>> {
        let occupancy = self.occupancy.lock();
        // INVARIANT: checked here.
        self.carried.is(number).then_some(Locked {
            cluster: self,
            occupancy,
        })
    }
}

impl<P: Platform> Drop for Cluster<P> {
    fn drop(&mut self) {
        if let Form::Table(address) = self.form() {
            drop(P::TableMemory::from_address(address));
        }
    }
}

/// A cluster with its lock held.
///
/// # Invariants
///
/// The object carries a number, so that the form is the cluster's.
pub(super) struct Locked<'a, P: Platform> {
    cluster: &'a Cluster<P>,
    occupancy: <P::Lock<Occupancy> as Lock<Occupancy>>::Guard<'a>,
}

/// Why an entry was not put into a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotPut {
    /// The cluster is whole, and needs a table for that.
    NeedsTable,
    /// The cluster's form is invalid.
    NoForm,
}

impl<P: Platform> Locked<'_, P> {
    /// The cluster's form.
    #[inline]
    pub(super) fn form(&self) -> Form {
        self.cluster.form()
    }

    /// Whether the cluster is whole.
    #[inline]
    pub(super) fn is_whole(&self) -> bool {
        matches!(self.form(), Form::Whole(_))
    }

    /// The entry at `offset`.
    #[inline]
    pub(super) fn get(&self, offset: Offset) -> Entry {
        // With the lock held the form stays.
        self.cluster.entry(self.form(), offset)
    }

    /// Puts an entry at `offset` and returns the old one. A whole cluster that can't
    /// stay one takes `spare` for its table.
    #[inline]
    pub(super) fn put(
        &mut self,
        offset: Offset,
        new: Entry,
        spare: &mut Option<P::TableMemory>,
    ) -> Result<(Entry, Change), NotPut> {
        loop {
            if let Some(replaced) = self.put_as_it_is(offset, new) {
                return Ok(replaced);
            }
            match self.form() {
                Form::Whole(home) => self.spread(home, spare.take().ok_or(NotPut::NeedsTable)?),
                // Impossible while the object carries a number.
                Form::Table(_) | Form::None => return Err(NotPut::NoForm),
            }
        }
    }

    /// Puts an entry at `offset` and returns the old one, unless a whole cluster can't
    /// stay one.
    #[inline(always)]
    pub(super) fn put_as_it_is(&mut self, offset: Offset, new: Entry) -> Option<(Entry, Change)> {
        match self.form() {
            Form::Table(address) => Some(P::TableMemory::with(address, |table| {
                table.replace(offset, new, &mut self.occupancy)
            })),
            Form::Whole(home) if new.is_empty() || new == home.entry(offset) => {
                let was = if new.is_empty() {
                    self.cluster.map.clear(offset)
                } else {
                    self.cluster.map.set(offset)
                };
                let old = if was {
                    home.entry(offset)
                } else {
                    Entry::EMPTY
                };
                Some((old, self.occupancy.change(old, new)))
            }
            Form::Whole(_) | Form::None => None,
        }
    }

    /// Turns a whole cluster into one with a table.
    #[cold]
    fn spread(&self, home: Home, page: P::TableMemory) {
        let address = page.into_address();
        // Nobody else knows it.
        P::TableMemory::with(address, |table| {
            for offset in Offset::all().filter(|offset| self.cluster.map.test(*offset)) {
                table.fill(offset, home.entry(offset));
            }
        });
        // The map stays as it is: there may be readers that have just seen the old form.
        self.set_form(Form::Table(address));
    }

    /// Turns a cluster with a table into a whole one, if its pages lie so. Returns the table,
    /// which must not be freed before a grace period is over.
    pub(super) fn collapse(&self) -> Option<P::TableMemory> {
        let Form::Table(address) = self.form() else {
            return None;
        };
        let home = P::TableMemory::with(address, |table| {
            let home = table.home()?;
            for offset in Offset::all() {
                if table.load(offset).is_empty() {
                    self.cluster.map.clear(offset);
                } else {
                    self.cluster.map.set(offset);
                }
            }
            Some(home)
        })?;
        self.set_form(Form::Whole(home));
        // The form no longer names it.
        Some(P::TableMemory::from_address(address))
    }

    /// Changes a whole cluster's home, if it is still `from`.
    pub(super) fn rehome(&self, from: Home, to: Home) -> bool {
        let is_there = self.form() == Form::Whole(from);
        if is_there {
            self.set_form(Form::Whole(to));
        }
        is_there
    }

    fn set_form(&self, form: Form) {
        self.cluster.form.store(form.to_word(), Ordering::Release);
    }

    /// How many slots are in use, and of which kind.
    #[inline]
    pub(super) fn occupancy(&self) -> &Occupancy {
        &self.occupancy
    }

    /// The same, to record what the cluster is listed as.
    pub(super) fn occupancy_mut(&mut self) -> &mut Occupancy {
        &mut self.occupancy
    }

    /// A page is being stored in the cluster, at `now`, in seconds.
    #[inline]
    pub(super) fn touch(&self, now: u32) {
        self.cluster.stored.store(now, Ordering::Relaxed);
    }

    /// When a page was last stored in the cluster, in seconds.
    pub(super) fn stored(&self) -> u32 {
        self.cluster.stored.load(Ordering::Relaxed)
    }

    /// The freed slots of the cluster.
    #[inline]
    pub(super) fn freed(&self) -> &FreedSlots {
        &self.cluster.freed
    }

    /// Empties slots of a whole cluster. Returns its home, and those of them that were in use.
    pub(super) fn empty_whole(&mut self, bits: &Bits) -> Option<(Home, Bits)> {
        let Form::Whole(home) = self.form() else {
            return None;
        };
        let emptied = self.cluster.map.clear_bits(bits);
        self.occupancy.emptied(emptied.len());
        Some((home, emptied))
    }

    /// The cluster is removed: the object gives its number up.
    pub(super) fn give_up(&self) {
        self.cluster.carried.give_up();
    }
}

/// How a new cluster keeps its entries.
pub(super) enum NewForm<P: Platform> {
    /// In a table.
    Table(P::TableMemory),
    /// As a whole one.
    Whole(Home),
}

impl<P: Platform> NewForm<P> {
    fn into_word(self) -> usize {
        match self {
            Self::Table(page) => Form::Table(page.into_address()),
            Self::Whole(home) => Form::Whole(home),
        }
        .to_word()
    }
}
