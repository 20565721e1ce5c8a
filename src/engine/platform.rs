// SPDX-License-Identifier: GPL-2.0-only

//! What concurrent code stands on: the kernel, or in tests a host that stands for it.
//!
//! The traits say what their users may rely on, and what they have to see to themselves: no type can
//! tell that an object is not used any more which others have found without a lock. The kernel's
//! implementation relies on what is promised here; the host's looks whether it is kept.

use super::table::Table;
use core::ffi::CStr;
use core::ops::{Deref, DerefMut};

/// A kernel, or what stands for one.
pub trait Platform: Sized + Send + Sync + 'static {
    /// Evidence of staying on a CPU, with preemption off. It is a reader as well: what it has found
    /// without a lock stays while it lives.
    type Cpu;

    /// A reader that may be preempted.
    type Reader;

    /// A spinlock around data.
    type Lock<T: Send>: Lock<T>;

    /// A value for each CPU.
    type PerCpu<T: Default + Send + Sync + 'static>: PerCpu<T, Cpu = Self::Cpu>;

    /// A map from numbers to objects.
    type Map<T: Send + Sync, L: Default + Send + Sync>: Map<T, L, Cpu = Self::Cpu>;

    /// A page for a table.
    type Page: Page;

    /// A domain of sections.
    type Sections: Sections;

    /// A place for an object that others see.
    type Published<D: Send + Sync + 'static>: Published<D>;

    /// A place that is filled once.
    type Once<T>: Once<T>;

    /// Stays on this CPU.
    fn pin() -> Self::Cpu;

    /// Waits until all readers that have begun are over. May sleep; not for a reader.
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
pub trait Lock<T>: Send + Sync {
    /// The data, while the lock is held.
    type Guard<'a>: DerefMut<Target = T>
    where
        Self: 'a;

    /// A lock that nobody holds. Its rank is its class for who looks after the order of locks.
    fn new(data: T, rank: Rank) -> Self;

    /// Takes the lock.
    fn lock(&self) -> Self::Guard<'_>;
}

/// A value for each CPU.
pub trait PerCpu<T: 'static>: Sized + Send + Sync {
    /// Evidence of staying on a CPU.
    type Cpu;

    /// Default values. `None`: there is no memory.
    fn new() -> Option<Self>;

    /// That of this CPU. There is one for each, so `None` does not happen.
    fn local<'a>(&'a self, cpu: &Self::Cpu) -> Option<&'a T>;

    /// All.
    fn iter(&self) -> impl Iterator<Item = &T>;
}

/// A map from numbers to objects of its own, each of which may be marked.
///
/// Who looks an object up takes no lock. So an object that is taken out may have been found before:
/// it is [retired](Self::retire), and dropped when all who are readers then are over.
pub trait Map<T, L>: Sized + Send + Sync {
    /// Evidence of staying on a CPU.
    type Cpu;

    /// An object that was found. It was in the map then, and is not dropped before this is.
    type Found<'a>: Deref<Target = T>
    where
        Self: 'a,
        T: 'a;

    /// An object that is not in the map yet. Dropping it drops the object at once.
    type New: Deref<Target = T>;

    /// An object that was taken out of the map. It has to be retired; dropping this leaks it.
    type Removed;

    /// Bytes that an object takes.
    const BYTES: usize;

    /// An empty map, whose objects' memory has that name. `None`: there is no memory. May sleep.
    fn new(name: &'static CStr) -> Option<Self>;

    /// Makes an object. Does not wait for memory: `None`: there is none.
    fn make(&self, object: T) -> Option<Self::New>;

    /// Puts an object into a place where there is none. Does not wait for memory: `None`: there is
    /// none, and the object is dropped. `Some(false)`: there is one already.
    fn insert(&self, index: u32, object: Self::New) -> Option<bool>;

    /// The object at a place.
    fn load<'a>(&'a self, cpu: &'a Self::Cpu, index: u32) -> Option<Self::Found<'a>>
    where
        T: 'a;

    /// The first object from that place on, and where it is.
    fn first<'a>(&'a self, cpu: &'a Self::Cpu, from: u32) -> Option<(u32, Self::Found<'a>)>
    where
        T: 'a;

    /// The place of the first object from there on that is marked.
    fn first_marked(&self, from: u32) -> Option<u32>;

    /// Marks an object, if there is one.
    fn mark(&self, index: u32);

    /// Takes the mark away.
    fn unmark(&self, index: u32);

    /// Calls `then` with what an object has for who keeps lists of objects, if there is one. It
    /// stays in the map meanwhile. `then` takes no locks.
    fn with_links(&self, index: u32, then: impl FnOnce(&L));

    /// Takes an object out, and its mark away. One caller at a time for each place.
    fn remove(&self, index: u32) -> Option<Self::Removed>;

    /// Drops an object when all readers that have begun are over. Nobody [remembers](Self::remembered)
    /// its token any more. Does not sleep.
    fn retire(&self, object: Self::Removed);

    /// What stands for an object; not 0.
    fn token(object: &T) -> usize;

    /// What stood for an object that was taken out.
    fn token_of(object: &Self::Removed) -> usize;

    /// The object that a token stands for, which somebody remembered who would have been told to
    /// forget it before the object was retired: it may have been taken out, and is dropped no
    /// sooner than those found in the map.
    fn remembered<'a>(&'a self, cpu: &'a Self::Cpu, token: usize) -> Self::Found<'a>
    where
        T: 'a;
}

/// A domain of sections, which are begun by one task and ended by whoever drops them, and can be
/// waited for.
pub trait Sections: Sized + Send + Sync {
    /// A section that has begun, and is over when this is dropped, in any context.
    type Section: Send;

    /// A domain without sections. `None`: there is no memory. May sleep.
    fn new() -> Option<Self>;

    /// Begins a section. Does not sleep.
    fn enter(&self) -> Self::Section;

    /// Waits until all sections that have begun are over. Those that begin meanwhile are not waited
    /// for. May sleep; not for who holds a section.
    fn wait(&self);

    /// Begins such a wait. Gives what [`is_over`](Self::is_over) is asked with. Does not sleep.
    fn start(&self) -> usize;

    /// Whether a wait that was begun is over.
    fn is_over(&self, wait: usize) -> bool;
}

/// A place for an object that others see without a lock. Whoever takes it out waits for them.
pub trait Published<D>: Send + Sync {
    /// An object, as who owns it has it.
    type Owner: Send;

    /// An object that was taken out, and that others may have seen. Dropping this leaks it.
    type Taken: Send;

    /// An object that was seen.
    type Seen<'a>: Deref<Target = D> + Clone
    where
        Self: 'a,
        D: 'a;

    /// An empty place.
    fn empty() -> Self;

    /// Whether there is no object, at this moment.
    fn is_empty(&self) -> bool;

    /// The object, for one whom whoever takes it out waits for.
    fn see<'a>(&'a self) -> Option<Self::Seen<'a>>
    where
        D: 'a;

    /// Puts an object there, or none. Gives the one that was there.
    fn swap(&self, new: Option<Self::Owner>) -> Option<Self::Taken>;

    /// The object, whom all have left who had seen it.
    fn reclaim(taken: Self::Taken) -> Self::Owner;
}

/// A place that is filled once, by one who knows that he is the only one, and looked at when nobody
/// fills it any more.
pub trait Once<T> {
    /// An empty place.
    fn new() -> Self;

    /// Fills it.
    fn fill(&self, value: T);

    /// What it was filled with, if it was.
    fn get(&self) -> Option<&T>;
}

/// A page for a table.
pub trait Page: Sized + Send {
    /// An empty table. Does not wait for memory: `None`: there is none.
    fn new() -> Option<Self>;

    /// Gives the page away. Gives its address, which is that of a page, and not 0.
    fn into_address(self) -> usize;

    /// The page that was given away with that address, once. Dropping it frees it: nobody uses the
    /// table any more then.
    fn from_address(address: usize) -> Self;

    /// Calls `then` with the table that was given away with that address, and is not freed
    /// meanwhile.
    fn with<R>(address: usize, then: impl FnOnce(&Table) -> R) -> R;
}
