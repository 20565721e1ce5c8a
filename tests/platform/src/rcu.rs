// SPDX-License-Identifier: GPL-2.0-only

//! Readers and grace periods, and the host as a platform.
//!
//! Each thread has a lock which it holds while it is a reader; a waiter takes all of them, one after
//! the other. So a waiter sees what readers did that are done, and later readers see what it did,
//! but no more than that. Work for after a grace period is done by the thread that asked for
//! it, as soon as that is no reader itself.

use crate::map::HostMap;
use crate::once::HostOnce;
use crate::published::HostPublished;
use crate::sections::HostSections;
use crate::sync::{thread_local, Mutex, MutexGuard};
use crate::table::HostTable;
use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::mem::{take, transmute};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use vswap_engine::platform::{Lock, PerCpu, Platform, Rank};

/// The most threads in a test.
pub const THREADS: usize = 4;

/// The host.
#[derive(Debug)]
pub struct Host;

/// The locks of the threads that are readers.
#[derive(Default)]
struct Readers([Mutex<()>; THREADS]);

impl Readers {
    #[cfg(not(loom))]
    fn get() -> Arc<Self> {
        static READERS: std::sync::OnceLock<Arc<Readers>> = std::sync::OnceLock::new();
        READERS.get_or_init(Arc::default).clone()
    }

    /// Those of this execution: loom runs all its threads on one of the system's.
    #[cfg(loom)]
    fn get() -> Arc<Self> {
        READERS.with_borrow(|readers| readers.clone().expect("a model was begun"))
    }

    fn wait(&self) {
        for thread in &self.0 {
            drop(thread.lock().unwrap());
        }
    }
}

#[cfg(loom)]
std::thread_local! {
    static READERS: RefCell<Option<Arc<Readers>>> = const { RefCell::new(None) };
}

/// A model begins.
#[cfg(loom)]
pub(crate) fn begin_model() {
    READERS.set(Some(Arc::default()));
}

thread_local! {
    static THIS: This = This::default();
}

/// A thread's own state.
#[derive(Default)]
struct This {
    number: Cell<usize>,
    /// How many readers are nested in it.
    depth: Cell<usize>,
    /// Work for after a grace period.
    later: RefCell<Vec<Box<dyn FnOnce()>>>,
    /// The locks that it holds.
    held: RefCell<Vec<Rank>>,
}

/// Gives this thread a number below [`THREADS`], which no other one has meanwhile. It is 0 before.
pub fn number_this_thread(number: usize) {
    assert!(number < THREADS);
    THIS.with(|this| this.number.set(number));
}

#[cfg(loom)]
pub(crate) fn this_thread() -> usize {
    THIS.with(|this| this.number.get())
}

/// Defers work until all readers that have begun are done.
pub(crate) fn after_readers(then: impl FnOnce() + 'static) {
    THIS.with(|this| {
        assert_ne!(this.depth.get(), 0, "nobody says when it is to be done");
        this.later.borrow_mut().push(Box::new(then));
    });
}

/// Staying on a CPU, which is the thread's own. This is a reader.
#[must_use]
pub struct Pin {
    cpu: usize,
    /// The outermost one has the thread's lock, which `_readers` keeps.
    guard: Option<MutexGuard<'static, ()>>,
    readers: Arc<Readers>,
    _not_send: PhantomData<*mut ()>,
}

impl Pin {
    fn new() -> Self {
        let readers = Readers::get();
        let (cpu, depth) = THIS.with(|this| (this.number.get(), this.depth.get()));
        let guard = (depth == 0).then(|| {
            let guard = readers.0[cpu].lock().unwrap();
            // SAFETY: the lock is kept by `readers` for as long as the guard.
            unsafe { transmute::<MutexGuard<'_, ()>, MutexGuard<'static, ()>>(guard) }
        });
        THIS.with(|this| this.depth.set(depth + 1));
        Self {
            cpu,
            guard,
            readers,
            _not_send: PhantomData,
        }
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        let later = THIS.with(|this| {
            this.depth.set(this.depth.get() - 1);
            if this.depth.get() == 0 {
                assert!(self.guard.is_some(), "readers end in order");
                take(&mut *this.later.borrow_mut())
            } else {
                Vec::new()
            }
        });
        drop(self.guard.take());
        if !later.is_empty() {
            self.readers.wait();
            later.into_iter().for_each(|then| then());
        }
    }
}

impl Platform for Host {
    type Cpu = Pin;
    type Reader = Pin;
    type Lock<T: Send + 'static> = HostLock<T>;
    type PerCpu<T: Default + Send + Sync + 'static> = HostPerCpu<T>;
    type Map<T: Send + Sync + 'static, L: Default + Send + Sync + 'static> = HostMap<T, L>;
    type TableMemory = HostTable;
    type Sections = HostSections;
    type Published<D: Send + Sync + 'static> = HostPublished<D>;
    type Once<T> = HostOnce<T>;

    fn pin() -> Pin {
        Pin::new()
    }

    // Each thread has a CPU of its own.
    fn alone<R>(_cpu: &Pin, then: impl FnOnce() -> R) -> R {
        then()
    }

    fn synchronize() {
        THIS.with(|this| assert_eq!(this.depth.get(), 0, "a reader waits for itself"));
        Readers::get().wait();
    }

    fn seconds() -> u32 {
        1
    }
}

impl Host {
    /// A reader.
    pub fn reader() -> Pin {
        Pin::new()
    }
}

/// A lock, which is taken in order only.
pub struct HostLock<T> {
    data: Mutex<T>,
    rank: Rank,
}

/// The data of a [`HostLock`].
pub struct HostGuard<'a, T>(MutexGuard<'a, T>);

impl<T: Send + 'static> Lock<T> for HostLock<T> {
    type Guard<'a> = HostGuard<'a, T>;

    fn new(data: T, rank: Rank) -> Self {
        Self {
            data: Mutex::new(data),
            rank,
        }
    }

    fn lock(&self) -> HostGuard<'_, T> {
        THIS.with(|this| {
            let mut held = this.held.borrow_mut();
            let in_order = held.last().is_none_or(|last| *last < self.rank);
            assert!(in_order, "{:?} is taken with {held:?} held", self.rank);
            held.push(self.rank);
        });
        HostGuard(self.data.lock().unwrap())
    }
}

impl<T> Deref for HostGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for HostGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T> Drop for HostGuard<'_, T> {
    fn drop(&mut self) {
        // They are released in order.
        THIS.with(|this| this.held.borrow_mut().pop());
    }
}

/// A value for each thread.
pub struct HostPerCpu<T>([T; THREADS]);

impl<T: Default + Send + Sync + 'static> PerCpu<T> for HostPerCpu<T> {
    type Cpu = Pin;

    fn new() -> Option<Self> {
        Some(Self(Default::default()))
    }

    fn local<'a>(&'a self, cpu: &Pin) -> Option<&'a T> {
        self.0.get(cpu.cpu)
    }

    fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter()
    }
}
