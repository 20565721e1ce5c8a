// SPDX-License-Identifier: GPL-2.0-only

//! The cluster index: from a slot to its entry.
//!
//! An XArray maps cluster numbers to cluster objects, which are made on first use and go when
//! their last slot is freed. In front of it, each CPU remembers the object it used last.
//!
//! # Locking
//!
//! 1. the swap core's cluster lock (held around a slot-free notification)
//! 2. a cluster's lock ([`Cluster::occupancy`])
//! 3. the XArray's lock
//!
//! None of them is held across compression or I/O; all may be taken in atomic context, none is
//! taken in interrupts. Look-ups take none: cluster objects are type-stable under RCU, and
//! carry the number of the cluster they are. A table is freed at once when its cluster goes: who
//! loads an entry without the lock has a slot of that cluster in use, so it does not go.

use super::cpu::{PerCpu, Pinned};
use super::held::{Held, Owned, PinnedSlot};
use super::memory::{self, Constructed, TypeStable};
use super::xarray::PointerArray;
use crate::engine::entry::Entry;
use crate::engine::last_used::{self, LastUsed};
use crate::engine::number::Carried;
use crate::engine::slot::{ClusterNumber, Slot, SLOTS_PER_CLUSTER};
use crate::engine::table::{Change, Occupancy, Table};
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicPtr, Ordering};
use kernel::prelude::*;
use kernel::sync::{new_spinlock, SpinLock};

/// Bytes of a cluster's table.
pub(crate) const TABLE_BYTES: usize = size_of::<Table>();

/// Bytes of a cluster's object, as the slab cache lays it out: a cache line, unless the kernel
/// has debugging in its locks.
pub(crate) const CLUSTER_BYTES: usize = size_of::<Cluster>().next_multiple_of(64);

/// A cluster object: one cluster after another, and none in between.
///
/// # Invariants
///
/// - While the object carries a number, `table` points at that cluster's table; and it does so
///   at least as long as a slot of the cluster is in use.
/// - The object gives its number up under its lock, before it leaves the index.
#[pin_data]
struct Cluster {
    carried: Carried,
    table: AtomicPtr<Table>,
    /// Guards changes of the table and of what the object carries. Second in the lock order.
    #[pin]
    occupancy: SpinLock<Occupancy>,
}

impl Constructed for Cluster {
    unsafe fn construct(place: *mut Self) {
        let cluster = pin_init!(Cluster {
            // INVARIANT: no number is carried.
            carried: Carried::default(),
            table: AtomicPtr::new(ptr::null_mut()),
            occupancy <- new_spinlock!(Occupancy::EMPTY, "vswap_cluster"),
        });
        // SAFETY: `place` is fresh memory for a cluster, which slab memory pins.
        unsafe { pin_init::raw_init(place, cluster) };
    }
}

/// Which look-ups the per-CPU object answered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// The object that the CPU used last was the right one.
    LastUsed,
    /// The XArray had to be walked, or the cluster made.
    Walked,
}

/// What [`Index::replace`] did.
pub(crate) struct Replaced {
    /// The entry that was there.
    pub(crate) old: Owned,
    /// What that means for the number of slots in use.
    pub(crate) change: Change,
    /// By how much the number of clusters changed.
    pub(crate) clusters: i64,
    /// How the cluster was found.
    pub(crate) found: Found,
}

/// There was no memory for a slot's cluster.
pub(crate) struct NoMemory {
    /// The entry that was to be put there.
    pub(crate) new: Owned,
    /// By how much the number of clusters changed all the same.
    pub(crate) clusters: i64,
}

/// The index. See the module.
#[pin_data(PinnedDrop)]
pub(crate) struct Index {
    #[pin]
    array: PointerArray<Cluster>,
    last_used: PerCpu<LastUsed>,
    // Last, so that it is dropped last: the objects of the others live in it.
    objects: TypeStable<Cluster>,
}

impl Index {
    /// An empty index. May sleep.
    pub(crate) fn new() -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            array <- PointerArray::new(),
            last_used: PerCpu::new()?,
            objects: TypeStable::new(c"vswap_cluster")?,
        })
    }

    /// The entry of a slot. Takes no lock and does not sleep.
    #[inline]
    pub(crate) fn load<'a>(&self, cpu: &Pinned, pinned: &'a PinnedSlot<'_>) -> (Held<'a>, Found) {
        let slot = pinned.slot();
        let (entry, found) = match self.find(cpu, slot.cluster()) {
            Some((cluster, found)) if cluster.carried.is(slot.cluster()) => {
                if found == Found::Walked {
                    self.remember(cpu, cluster, slot.cluster());
                }
                let table = cluster.table.load(Ordering::Acquire);
                // SAFETY: the object carries the number, so by its invariant `table` is the
                // cluster's, and stays while a slot of it is in use. The slot is pinned: if it
                // is in use, it stays so, and nobody reads one that is not.
                (unsafe { &*table }.load(slot.offset()), found)
            }
            _ => (Entry::EMPTY, Found::Walked),
        };
        // SAFETY: the slot is pinned, so its entry is neither replaced nor freed meanwhile.
        (unsafe { Held::new(entry) }, found)
    }

    /// Puts an entry into a slot; the empty entry frees it. Does not sleep.
    ///
    /// Gives the entry back when there was no memory for the slot's cluster; nothing changed
    /// then. Freeing can't fail.
    #[inline]
    pub(crate) fn replace(
        &self,
        cpu: &Pinned,
        slot: Slot,
        new: Owned,
    ) -> Result<Replaced, NoMemory> {
        let (number, entry) = (slot.cluster(), new.entry());
        let mut made = 0;
        loop {
            let Some((cluster, found)) = self.find(cpu, number) else {
                if entry.is_empty() {
                    return Ok(Replaced {
                        old: Owned::EMPTY,
                        change: Change::None,
                        clusters: 0,
                        found: Found::Walked,
                    });
                }
                // The cluster may go before the loop comes back to it; then another is made.
                match self.make(number) {
                    Ok(published) => made = i64::from(published).wrapping_add(made),
                    Err(_) => {
                        return Err(NoMemory {
                            new,
                            clusters: made,
                        })
                    }
                }
                continue;
            };
            let mut occupancy = cluster.occupancy.lock();
            if !cluster.carried.is(number) {
                // It went while its lock was waited for, and is out of the index now; perhaps
                // it is another cluster.
                continue;
            }
            let table = cluster.table.load(Ordering::Relaxed);
            // SAFETY: the object carries the number, so by its invariant `table` is the
            // cluster's; the lock is held, so it keeps the number.
            let (old, change) = unsafe { &*table }.replace(slot.offset(), entry, &mut occupancy);
            // SAFETY: it was just taken out of its table, and the swap core neither writes nor
            // frees a slot that is being read.
            let old = unsafe { Owned::new(old) };
            if change != Change::Freed || !occupancy.is_empty() {
                if found == Found::Walked {
                    self.remember(cpu, cluster, number);
                }
                return Ok(Replaced {
                    old,
                    change,
                    clusters: made,
                    found,
                });
            }
            cluster.carried.give_up();
            self.array.remove(index(number));
            drop(occupancy);
            // SAFETY: the object has given up its number under the lock and is out of the
            // index; only this thread saw the last slot go, so only it gets here.
            unsafe { self.destroy(NonNull::from(cluster)) };
            return Ok(Replaced {
                old,
                change,
                clusters: made.wrapping_sub(1),
                found,
            });
        }
    }

    /// Empties every slot and gives what stood there to `release`. Nobody else uses the index.
    pub(crate) fn drain(&self, mut release: impl FnMut(Owned)) {
        let mut next = 0;
        while let Some((place, cluster)) = self.array.find(next) {
            next = place.wrapping_add(1);
            // SAFETY: the object is in the index, so it is alive; nobody else uses it.
            let cluster_ref = unsafe { cluster.as_ref() };
            let mut occupancy = cluster_ref.occupancy.lock();
            // SAFETY: as in `replace`: the object carries a number, and the lock is held.
            let table = unsafe { &*cluster_ref.table.load(Ordering::Relaxed) };
            for slot in (0..u32::MAX).take(SLOTS_PER_CLUSTER).map(Slot::new) {
                let (old, _) = table.replace(slot.offset(), Entry::EMPTY, &mut occupancy);
                // SAFETY: it was just taken out of its table, and nobody else uses the index.
                release(unsafe { Owned::new(old) });
            }
            cluster_ref.carried.give_up();
            self.array.remove(place);
            drop(occupancy);
            // SAFETY: as in `replace`.
            unsafe { self.destroy(cluster) };
        }
    }

    /// The object that is that cluster, or was a moment ago: the caller checks the number, with
    /// the object's lock held or a slot of the cluster in use.
    #[inline]
    fn find<'a>(&'a self, cpu: &'a Pinned, number: ClusterNumber) -> Option<(&'a Cluster, Found)> {
        if let Some(token) = self.last_used.local(cpu).and_then(LastUsed::get) {
            // SAFETY: what is remembered was an object of `self.objects` that had not been
            // given back, or is forgotten before it is; as preemption is off, RCU keeps its
            // memory an object.
            let cluster = unsafe { &*ptr::with_exposed_provenance::<Cluster>(token) };
            if cluster.carried.is(number) {
                return Some((cluster, Found::LastUsed));
            }
        }
        let cluster = self.array.load(index(number))?;
        // SAFETY: it was in the index while preemption was off, which as an RCU reader keeps its
        // memory an object.
        Some((unsafe { cluster.as_ref() }, Found::Walked))
    }

    /// Has this CPU remember the object, unless that is no longer the cluster.
    fn remember(&self, cpu: &Pinned, cluster: &Cluster, number: ClusterNumber) {
        if let Some(last_used) = self.last_used.local(cpu) {
            let token = ptr::from_ref(cluster).expose_provenance();
            last_used.remember(token, || cluster.carried.is(number));
        }
    }

    /// Makes a cluster and publishes it; `false` when somebody else just did. Does not sleep.
    #[cold]
    fn make(&self, number: ClusterNumber) -> Result<bool> {
        let table = memory::zeroed_page().ok_or(ENOMEM)?;
        let Some(cluster) = self.objects.alloc() else {
            // SAFETY: it was just allocated and nobody else knows it.
            unsafe { memory::free_page(table) };
            return Err(ENOMEM);
        };
        // SAFETY: a constructed object, and nobody else changes it before it is published.
        let cluster_ref = unsafe { cluster.as_ref() };
        // INVARIANT: a zeroed page is an empty table, and the occupancy is that of one.
        cluster_ref
            .table
            .store(table.as_ptr().cast(), Ordering::Release);
        cluster_ref.carried.take(number);
        match self.array.insert(index(number), cluster) {
            Ok(()) => Ok(true),
            Err(error) => {
                cluster_ref.carried.give_up();
                // SAFETY: it was never published and has no number any more.
                unsafe { self.destroy(cluster) };
                if error == EBUSY {
                    Ok(false)
                } else {
                    Err(error)
                }
            }
        }
    }

    /// Gives an object and its table back.
    ///
    /// # Safety
    ///
    /// The object carries no number, is not in the index, none of its slots is in use, and
    /// nobody else gives it back.
    #[cold]
    unsafe fn destroy(&self, cluster: NonNull<Cluster>) {
        last_used::forget_everywhere(self.last_used.iter(), cluster.as_ptr().expose_provenance());
        // SAFETY: the object is alive until it is given back below.
        let table = unsafe { cluster.as_ref() }
            .table
            .swap(ptr::null_mut(), Ordering::Relaxed);
        if let Some(table) = NonNull::new(table) {
            // SAFETY: it came from `zeroed_page`; nobody loads entries from it, as none of its
            // slots is in use, and nobody who takes the lock finds the number.
            unsafe { memory::free_page(table.cast()) };
        }
        // SAFETY: it came from `objects`, is unpublished and forgotten, and is as constructed.
        unsafe { self.objects.free(cluster) };
    }
}

fn index(number: ClusterNumber) -> usize {
    // Lossless: the XArray's index has 64 bits, a cluster's number 23.
    number.index() as usize
}

#[pinned_drop]
impl PinnedDrop for Index {
    fn drop(self: Pin<&mut Self>) {
        // Whoever owns the index drains it first; what is left would be lost memory, not data.
        self.drain(drop);
    }
}
