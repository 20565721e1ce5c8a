// SPDX-License-Identifier: GPL-2.0-only

//! The platform of the concurrent code: the kernel, or in tests a host that stands in for it.
//!
//! The traits say what their users may rely on, and what they must ensure themselves: no type can
//! express that an object is no longer used which others have found without a lock. The kernel's
//! implementation relies on these promises; the host's checks that they are kept.

use super::table::Table;
use core::ffi::CStr;
use core::ops::{Deref, DerefMut};

/// A kernel, or what stands in for one.
pub trait Platform: Sized + Send + Sync + 'static {
    /// Evidence of staying on a CPU. It is a reader as well: what it found without a lock stays
    /// while it lives.
    type Cpu;

    /// A reader that may be preempted.
    type Reader;

    /// A spinlock around data.
    type Lock<T: Send + 'static>: Lock<T>;

    /// A value for each CPU.
    type PerCpu<T: Default + Send + Sync + 'static>: PerCpu<T, Cpu = Self::Cpu>;

    /// A map from numbers to objects.
    type Map<T, L>: Map<T, L, Cpu = Self::Cpu>
    where
        T: Send + Sync + 'static,
        L: Default + Send + Sync + 'static;

    /// Memory for a table.
    type TableMemory: TableMemory;

    /// A domain of sections.
    type Sections: Sections;

    /// A place that publishes an object.
    type Published<D: Send + Sync + 'static>: Published<D>;

    /// A place that is filled once.
    type Once<T>: Once<T>;

    /// Stays on this CPU.
    fn pin() -> Self::Cpu;

    /// Calls `then` with no other task of this CPU in between. It takes no locks.
    fn alone<R>(cpu: &Self::Cpu, then: impl FnOnce() -> R) -> R;

    /// Waits until all readers that have begun are done. May sleep; not for a reader.
    fn synchronize();

    /// Seconds since some time.
    fn seconds() -> u32;
}

/// The locks, in the order in which they may be taken while others are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// A cluster's.
    Cluster,
    /// That around the lists of clusters by age.
    Lists,
}

/// A spinlock around data.
pub trait Lock<T: 'static>: Send + Sync {
    /// The data, while the lock is held.
    type Guard<'a>: DerefMut<Target = T>
    where
        Self: 'a;

    /// A lock that nobody holds. Its rank is its class for checks of the lock order.
    fn new(data: T, rank: Rank) -> Self;

    /// Takes the lock.
    fn lock(&self) -> Self::Guard<'_>;
}

/// A value for each CPU.
pub trait PerCpu<T: 'static>: Sized + Send + Sync {
    /// Evidence of staying on a CPU.
    type Cpu;

    /// Default values. `None`: no memory.
    fn new() -> Option<Self>;

    /// That of this CPU. There is one for each, so `None` does not happen.
    fn local<'a>(&'a self, cpu: &Self::Cpu) -> Option<&'a T>;

    /// All.
    fn iter(&self) -> impl Iterator<Item = &T>;
}

/// A map from numbers to objects of its own, each of which may be marked.
///
/// Looking up an object takes no lock. So an object that is removed may have been found before:
/// it is [retired](Self::retire), and dropped when all present readers are done.
pub trait Map<T: 'static, L>: Sized + Send + Sync {
    /// Evidence of staying on a CPU.
    type Cpu;

    /// An object that was found. It was in the map then, and outlives this.
    type Found<'a>: Deref<Target = T>
    where
        Self: 'a;

    /// An object that is not in the map yet. Dropping it drops the object at once.
    type New: Deref<Target = T>;

    /// An object that was removed from the map. It must be retired; dropping this leaks it.
    type Removed;

    /// Bytes that an object takes.
    const BYTES: usize;

    /// An empty map, whose objects' memory has that name. `None`: no memory. May sleep.
    fn new(name: &'static CStr) -> Option<Self>;

    /// Makes an object. Does not wait for memory. `None`: no memory.
    fn make(&self, object: T) -> Option<Self::New>;

    /// Puts an object into a place where there is none. Does not wait for memory. `None`: no
    /// memory, and the object is dropped. `Some(false)`: there is one already.
    fn insert(&self, index: u32, object: Self::New) -> Option<bool>;

    /// The object at a place.
    fn load<'a>(&'a self, cpu: &'a Self::Cpu, index: u32) -> Option<Self::Found<'a>>;

    /// The first object from that place on, and its place.
    fn first<'a>(&'a self, cpu: &'a Self::Cpu, from: u32) -> Option<(u32, Self::Found<'a>)>;

    /// The place of the first marked object from there on.
    fn first_marked(&self, from: u32) -> Option<u32>;

    /// Marks an object, if there is one.
    fn mark(&self, index: u32);

    /// Removes the mark.
    fn unmark(&self, index: u32);

    /// Calls `then` with an object's links for lists of objects, if there is one. It
    /// stays in the map meanwhile. `then` takes no locks.
    fn with_links(&self, index: u32, then: impl FnOnce(&L));

    /// Removes an object and its mark. One caller at a time for each place.
    fn remove(&self, index: u32) -> Option<Self::Removed>;

    /// Drops an object when all readers that have begun are done. Nobody [remembers](Self::remembered)
    /// its token any more. Does not sleep.
    fn retire(&self, object: Self::Removed);

    /// What stands for an object; not 0.
    fn token(object: &T) -> usize;

    /// The token of an object that was removed.
    fn token_of(object: &Self::Removed) -> usize;

    /// The object of a token that somebody remembered. Since everybody forgets a token
    /// before its object is retired, the object may have been removed, but lives as long as
    /// those found in the map.
    fn remembered<'a>(&'a self, cpu: &'a Self::Cpu, token: usize) -> Self::Found<'a>;
}

/// A domain of sections, which are begun by one task and ended by whichever drops them, and can be
/// waited for.
pub trait Sections: Sized + Send + Sync {
    /// A section that has begun, and is over when this is dropped, in any context.
    type Section: Send;

    /// A domain without sections. `None`: no memory. May sleep.
    fn new() -> Option<Self>;

    /// Begins a section. Does not sleep.
    fn enter(&self) -> Self::Section;

    /// Waits until all sections that have begun are over, but not for those that begin
    /// meanwhile. May sleep; not for a holder of a section.
    fn wait(&self);

    /// Begins such a wait. Returns the argument for [`is_over`](Self::is_over). Does not sleep.
    fn start(&self) -> usize;

    /// Whether a wait that was begun is over.
    fn is_over(&self, wait: usize) -> bool;
}

/// A place that publishes an object to others, without a lock. Whoever takes it out waits for them.
pub trait Published<D: 'static>: Send + Sync {
    /// An object, as its owner has it.
    type Owner: Send;

    /// An object that was taken out, and that others may have seen. Dropping this leaks it.
    type Taken: Send;

    /// An object that was seen.
    type Seen<'a>: Deref<Target = D> + Clone
    where
        Self: 'a;

    /// An empty place.
    fn empty() -> Self;

    /// Whether there is no object, at the moment.
    fn is_empty(&self) -> bool;

    /// The object, for a caller that whoever takes it out will wait for.
    fn see(&self) -> Option<Self::Seen<'_>>;

    /// Puts an object there, or none. Returns the old one.
    fn swap(&self, new: Option<Self::Owner>) -> Option<Self::Taken>;

    /// The object, once all who had seen it have left.
    fn reclaim(taken: Self::Taken) -> Self::Owner;
}

/// A place that is filled once, by a caller that knows it is the only one, and read when nobody
/// fills it any more.
pub trait Once<T> {
    /// An empty place.
    fn new() -> Self;

    /// Fills it.
    fn fill(&self, value: T);

    /// Its value, if it was filled.
    fn get(&self) -> Option<&T>;
}

/// Memory for a table: a page, or a part of one where pages are larger.
pub trait TableMemory: Sized + Send {
    /// An empty table. Does not wait for memory. `None`: no memory.
    fn new() -> Option<Self>;

    /// Gives the memory away. Returns its address, which is even, and not 0.
    fn into_address(self) -> usize;

    /// Takes back, once, the memory that was given away with that address. Dropping it frees it: nobody
    /// uses the table any more then.
    fn from_address(address: usize) -> Self;

    /// Calls `then` with the table that was given away with that address, and is not freed
    /// meanwhile.
    fn with<R>(address: usize, then: impl FnOnce(&Table) -> R) -> R;
}
