// SPDX-License-Identifier: GPL-2.0-only

//! Sections that can be waited for.
//!
//! In models each thread has some locks, and holds one of them in each of its sections, the next one
//! in a section that begins inside another. A waiter takes all of them, those of inner sections
//! first: it does not wait for one that begins while it waits for the outer one. With plain threads
//! sections are counted.

use std::sync::Arc;
use vswap_engine::platform::Sections;

#[cfg(loom)]
mod domain {
    use crate::rcu::{this_thread, THREADS};
    use crate::sync::{Mutex, MutexGuard};
    use std::cell::Cell;
    use std::mem::transmute;
    use std::sync::Arc;

    /// How deep sections nest.
    const DEPTH: usize = 3;

    #[derive(Default)]
    pub(super) struct All([[Mutex<()>; DEPTH]; THREADS], [Cell<usize>; THREADS]);

    // SAFETY: loom runs its threads on one of the system's.
    unsafe impl Send for All {}
    // SAFETY: as above.
    unsafe impl Sync for All {}

    /// A section: dropping it releases the lock.
    pub struct Section {
        guard: Option<MutexGuard<'static, ()>>,
        all: Arc<All>,
        thread: usize,
        depth: usize,
    }

    // SAFETY: as above.
    unsafe impl Send for Section {}

    impl All {
        pub(super) fn enter(self: &Arc<Self>) -> Section {
            let thread = this_thread();
            // Bits of those that it is in.
            let entered = self.1[thread].get();
            let depth = (usize::BITS - entered.leading_zeros()) as usize;
            assert!(depth < DEPTH, "sections are too deep");
            let guard = self.0[thread][depth].lock().unwrap();
            self.1[thread].set(self.1[thread].get() | 1 << depth);
            Section {
                // SAFETY: the lock is kept by `all` for as long as the guard.
                guard: Some(unsafe {
                    transmute::<MutexGuard<'_, ()>, MutexGuard<'static, ()>>(guard)
                }),
                all: self.clone(),
                thread,
                depth,
            }
        }

        pub(super) fn wait(&self) {
            for depth in (0..DEPTH).rev() {
                for thread in &self.0 {
                    drop(thread[depth].lock().unwrap());
                }
            }
        }

        pub(super) fn are_over(&self) -> bool {
            self.wait();
            true
        }
    }

    impl Drop for Section {
        fn drop(&mut self) {
            let entered = &self.all.1[self.thread];
            entered.set(entered.get() & !(1 << self.depth));
            drop(self.guard.take());
        }
    }
}

#[cfg(not(loom))]
mod domain {
    use std::sync::{Arc, Condvar, Mutex};

    #[derive(Default)]
    pub(super) struct All(Mutex<usize>, Condvar);

    /// A section.
    pub struct Section(Arc<All>);

    impl All {
        pub(super) fn enter(self: &Arc<Self>) -> Section {
            *self.0.lock().unwrap() += 1;
            Section(self.clone())
        }

        pub(super) fn wait(&self) {
            let entered = self.0.lock().unwrap();
            drop(self.1.wait_while(entered, |entered| *entered != 0));
        }

        pub(super) fn are_over(&self) -> bool {
            *self.0.lock().unwrap() == 0
        }
    }

    impl Drop for Section {
        fn drop(&mut self) {
            *self.0 .0.lock().unwrap() -= 1;
            self.0 .1.notify_all();
        }
    }
}

/// A domain of sections.
pub struct HostSections(Arc<domain::All>);

impl Sections for HostSections {
    type Section = domain::Section;

    fn new() -> Option<Self> {
        Some(Self(Arc::default()))
    }

    fn enter(&self) -> domain::Section {
        self.0.enter()
    }

    fn wait(&self) {
        self.0.wait();
    }

    fn start(&self) -> usize {
        0
    }

    /// In models this waits.
    fn is_over(&self, _: usize) -> bool {
        self.0.are_over()
    }
}
