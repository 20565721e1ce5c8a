// SPDX-License-Identifier: GPL-2.0-only

//! A cluster object: the entries of 512 consecutive virtual slots.

use super::memory::{self, Cached};
use super::rcu::Head;
use crate::engine::entry::Entry;
use crate::engine::form::{Form, Home};
use crate::engine::freed::FreedSlots;
use crate::engine::lists::Links;
use crate::engine::map::{Bits, SlotMap};
use crate::engine::number::Carried;
use crate::engine::slot::{ClusterNumber, Offset};
use crate::engine::table::{Change, Occupancy, Table};
use core::mem::ManuallyDrop;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use kernel::prelude::*;
use kernel::sync::lock::spinlock::SpinLockBackend;
use kernel::sync::lock::Guard;
use kernel::sync::{new_spinlock, SpinLock};

/// Bytes of a table.
pub(crate) const TABLE_BYTES: usize = size_of::<Table>();

/// Bytes of a cluster's object, as the slab cache lays it out: three cache lines, unless the
/// kernel has debugging in its locks.
pub(crate) const CLUSTER_BYTES: usize = size_of::<Cluster>().next_multiple_of(64);

/// A cluster object: one cluster after another, and none in between.
///
/// # Invariants
///
/// - While the object carries a number, `form` is the cluster's: when it is a table, its
///   address is that of a page which is the cluster's own.
/// - A table that the form leaves is freed a grace period later, and so is the object once it
///   has left the index.
/// - The object gives its number up under its lock, before it leaves the index.
/// - `end` is links while the object is in the index, and a head from when it has left it.
///
/// The order is that of the cache lines: a look-up, and the marking of a freed slot, need the
/// first one and one of the marks.
#[pin_data]
#[repr(C)]
pub(super) struct Cluster {
    pub(super) carried: Carried,
    /// When a page was last stored in the cluster, in seconds.
    stored: AtomicU32,
    /// A [`Form`]. Changed with the lock held, or before the object is published.
    form: AtomicUsize,
    /// Guards changes of the entries, the form and what the object carries. Second in the
    /// lock order.
    #[pin]
    occupancy: SpinLock<Occupancy>,
    end: LinksOrHead,
    /// Which slots the swap core has freed, and not stored to since: their entries are given back
    /// with the next sweep.
    pub(super) freed: FreedSlots,
    /// Which slots are in use, of a whole cluster. For any other form it is left over from
    /// when the cluster was one, or clear.
    map: SlotMap,
}

/// What an object needs while it is in the index, and what to give it back when it is not.
#[repr(C)]
union LinksOrHead {
    /// Of the list that the cluster is on: guarded by the lock around the lists.
    links: ManuallyDrop<Links>,
    /// Of the object, when it is given back.
    head: ManuallyDrop<Head>,
}

impl LinksOrHead {
    const fn new() -> Self {
        Self {
            links: ManuallyDrop::new(Links::new()),
        }
    }
}

// SAFETY: `HEAD` is where the head is, at the union's start.
unsafe impl Cached for Cluster {
    const HEAD: usize = core::mem::offset_of!(Cluster, end);

    unsafe fn construct(place: *mut Self) {
        let cluster = pin_init!(Cluster {
            // INVARIANT: no number is carried.
            carried: Carried::default(),
            stored: AtomicU32::new(0),
            form: AtomicUsize::new(Form::None.to_word()),
            occupancy <- new_spinlock!(Occupancy::EMPTY, "vswap_cluster"),
            freed: FreedSlots::default(),
            end: LinksOrHead::new(),
            map: SlotMap::default(),
        });
        // SAFETY: `place` is fresh memory for a cluster, which slab memory pins.
        unsafe { pin_init::raw_init(place, cluster) };
    }

    unsafe fn end(&self) {
        let word = self.form.swap(Form::None.to_word(), Ordering::Relaxed);
        self.map.clear_all();
        self.freed.reset();
        // SAFETY: nobody uses the object, so the head is of no use any more, and its memory may
        // be links again, of which any bits are some.
        unsafe { (*self.end.links).reset() };
        // SAFETY: the form was the cluster's and is not any more. Nobody uses the object.
        drop(unsafe { TablePage::of(Form::from_word(word)) });
    }
}

impl Cluster {
    /// Makes an unpublished object an empty cluster that keeps its entries so.
    pub(super) fn begin(&self, number: ClusterNumber, form: NewForm) {
        // INVARIANT: a zeroed page is an empty table, an empty map a whole cluster with no
        // slot in use, and the occupancy is that of both.
        self.form.store(form.into_word(), Ordering::Release);
        self.carried.take(number);
    }

    /// The cluster's links.
    ///
    /// # Safety
    ///
    /// The object is in the index, and stays there for as long as the links are used.
    pub(super) unsafe fn links(&self) -> &Links {
        // SAFETY: as this function requires, by the invariants they are links.
        unsafe { &self.end.links }
    }

    /// The entry at `offset`, without the lock.
    ///
    /// # Safety
    ///
    /// The caller is an RCU reader, and the object carries the number of a cluster in which
    /// the slot is in use, and stays so.
    #[inline]
    pub(super) unsafe fn load(&self, offset: Offset) -> Entry {
        match Form::from_word(self.form.load(Ordering::Acquire)) {
            // SAFETY: by the invariants it is a table's address, which stays a table for a
            // grace period at least, as a slot is in use.
            Form::Table(address) => unsafe { table(address) }.load(offset),
            Form::Whole(home) if self.map.test(offset) => home.entry(offset),
            Form::Whole(_) | Form::None => Entry::EMPTY,
        }
    }

    /// The form, without the lock: it may be another one by now.
    #[inline]
    pub(super) fn form(&self) -> Form {
        Form::from_word(self.form.load(Ordering::Relaxed))
    }

    /// Takes the lock; `None` when the object is not that cluster.
    #[inline]
    pub(super) fn lock(&self, number: ClusterNumber) -> Option<Locked<'_>> {
        let occupancy = self.occupancy.lock();
        // INVARIANT: checked here.
        self.carried.is(number).then_some(Locked {
            cluster: self,
            occupancy,
        })
    }
}

/// The table at an address.
///
/// # Safety
///
/// It is that of a table, which stays one for `'a`.
#[inline]
unsafe fn table<'a>(address: usize) -> &'a Table {
    // SAFETY: as this function requires.
    unsafe { &*ptr::with_exposed_provenance(address) }
}

/// A cluster with its lock held.
///
/// # Invariants
///
/// The object carries a number, so that the form is the cluster's.
pub(super) struct Locked<'a> {
    cluster: &'a Cluster,
    occupancy: Guard<'a, Occupancy, SpinLockBackend>,
}

/// Why an entry could not be put into a cluster.
pub(super) enum NotPut {
    /// The cluster is whole, and needs a table for that.
    NeedsTable,
    /// The cluster keeps its entries in no way that there is.
    NoForm,
}

impl Locked<'_> {
    /// The cluster's form.
    #[inline]
    pub(super) fn form(&self) -> Form {
        self.cluster.form()
    }

    /// The entry at `offset`.
    #[inline]
    pub(super) fn get(&self, offset: Offset) -> Entry {
        match self.form() {
            // SAFETY: by the invariants it is the cluster's table, and with the lock held the
            // form stays.
            Form::Table(address) => unsafe { table(address) }.load(offset),
            Form::Whole(home) if self.cluster.map.test(offset) => home.entry(offset),
            Form::Whole(_) | Form::None => Entry::EMPTY,
        }
    }

    /// Puts an entry at `offset` and gives back what stood there. A whole cluster that can't
    /// stay one takes `spare` for its table.
    #[inline]
    pub(super) fn put(
        &mut self,
        offset: Offset,
        new: Entry,
        spare: &mut Option<TablePage>,
    ) -> Result<(Entry, Change), NotPut> {
        loop {
            if let Some(replaced) = self.put_as_it_is(offset, new) {
                return Ok(replaced);
            }
            match self.form() {
                Form::Whole(home) => self.spread(home, spare.take().ok_or(NotPut::NeedsTable)?),
                // Not while the object carries a number.
                Form::Table(_) | Form::None => return Err(NotPut::NoForm),
            }
        }
    }

    /// Puts an entry at `offset` and gives back what stood there, unless a whole cluster can't
    /// stay one.
    #[inline(always)]
    pub(super) fn put_as_it_is(&mut self, offset: Offset, new: Entry) -> Option<(Entry, Change)> {
        match self.form() {
            Form::Table(address) => {
                // SAFETY: as in `get`.
                let table = unsafe { table(address) };
                Some(table.replace(offset, new, &mut self.occupancy))
            }
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
    fn spread(&self, home: Home, page: TablePage) {
        let address = page.into_address();
        // SAFETY: a zeroed page is an empty table; nobody else knows it.
        let table = unsafe { table(address) };
        for offset in Offset::all().filter(|offset| self.cluster.map.test(*offset)) {
            table.fill(offset, home.entry(offset));
        }
        // The map stays as it is: there may be readers that have just seen the old form.
        self.set_form(Form::Table(address));
    }

    /// Turns a cluster with a table into a whole one, if its pages lie so. Gives the table,
    /// which must not be freed before a grace period is over.
    pub(super) fn collapse(&self) -> Option<TablePage> {
        let Form::Table(address) = self.form() else {
            return None;
        };
        // SAFETY: as in `get`.
        let home = unsafe { table(address) }.home()?;
        for offset in Offset::all() {
            // SAFETY: as in `get`.
            if unsafe { table(address) }.load(offset).is_empty() {
                self.cluster.map.clear(offset);
            } else {
                self.cluster.map.set(offset);
            }
        }
        self.set_form(Form::Whole(home));
        // SAFETY: the form has left it.
        unsafe { TablePage::of(Form::Table(address)) }
    }

    /// Turns a whole cluster's home into another, if it is still the one given.
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

    /// How many slots are in use, and of what.
    #[inline]
    pub(super) fn occupancy(&self) -> &Occupancy {
        &self.occupancy
    }

    /// The same, to note what the cluster is listed as.
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

    /// A slot is in use again, if it was freed before.
    #[inline]
    pub(super) fn unmark(&self, offset: Offset) {
        self.cluster.freed.unmark(offset);
    }

    /// Notes the cluster for a sweep. Says whether it was not noted before.
    pub(super) fn note(&self) -> bool {
        self.cluster.freed.note()
    }

    /// Takes the note away, before [`take_freed`](Self::take_freed).
    pub(super) fn begin_sweep(&self) {
        self.cluster.freed.begin_sweep();
    }

    /// The slots of one part of the cluster's map that were freed, which are the caller's to
    /// empty.
    pub(super) fn take_freed(&self, part: usize) -> Bits {
        self.cluster.freed.take(part)
    }

    /// Empties slots of a whole cluster. Gives its home, and those of them that were in use.
    pub(super) fn empty_whole(&mut self, bits: &Bits) -> Option<(Home, Bits)> {
        let Form::Whole(home) = self.form() else {
            return None;
        };
        let emptied = self.cluster.map.clear_bits(bits);
        self.occupancy.emptied(emptied.len());
        Some((home, emptied))
    }

    /// The cluster is no more: the object gives its number up.
    pub(super) fn give_up(&self) {
        self.cluster.carried.give_up();
    }
}

/// How a new cluster keeps its entries.
pub(super) enum NewForm {
    /// In a table.
    Table(TablePage),
    /// As a whole one.
    Whole(Home),
}

impl NewForm {
    fn into_word(self) -> usize {
        match self {
            Self::Table(page) => Form::Table(page.into_address()),
            Self::Whole(home) => Form::Whole(home),
        }
        .to_word()
    }
}

/// A page that is a table, and no cluster's.
///
/// # Invariants
///
/// It came from `memory::zeroed_page` or `zeroed_page_wait` and is this value's own.
pub(crate) struct TablePage(NonNull<kernel::ffi::c_void>);

// SAFETY: a page may be freed by any thread.
unsafe impl Send for TablePage {}

impl TablePage {
    /// An empty table, without waiting for memory.
    pub(crate) fn new() -> Option<Self> {
        // INVARIANT: just allocated.
        memory::zeroed_page().map(Self)
    }

    /// An empty table. May sleep, and reclaim memory.
    pub(crate) fn wait() -> Option<Self> {
        // INVARIANT: just allocated.
        memory::zeroed_page_wait().map(Self)
    }

    fn into_address(self) -> usize {
        ManuallyDrop::new(self).0.as_ptr().expose_provenance()
    }

    /// The table of a form.
    ///
    /// # Safety
    ///
    /// The form was that of a cluster and is not any more.
    unsafe fn of(form: Form) -> Option<Self> {
        match form {
            // INVARIANT: a cluster's table came from a `TablePage`.
            Form::Table(address) => {
                NonNull::new(ptr::with_exposed_provenance_mut(address)).map(Self)
            }
            Form::Whole(_) | Form::None => None,
        }
    }
}

impl Drop for TablePage {
    fn drop(&mut self) {
        // SAFETY: by the invariant.
        unsafe { memory::free_page(self.0) }
    }
}
