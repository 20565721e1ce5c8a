// SPDX-License-Identifier: GPL-2.0-only

//! A spinlock that is a plain value, as the engine creates its locks.
//!
//! `kernel::sync::SpinLock` is initialized in place. But a spinlock that nobody has taken yet may
//! be moved: its initial state does not depend on its address, with debugging or without, and with
//! PREEMPT_RT, where it is a mutex with priority inheritance. There a task that waits for it sleeps,
//! and its holder may be preempted, but stays on its CPU and is an RCU reader, as elsewhere.
//!
//! C header: `include/linux/spinlock.h`

use crate::engine::platform::{Lock, Rank};
use core::cell::UnsafeCell;
use core::ops::{Deref, DerefMut};
use kernel::prelude::*;
use kernel::static_lock_class;
use kernel::sync::LockClassKey;
use kernel::types::{NotThreadSafe, Opaque};

/// A spinlock around data. Once taken it stays where it is, as whoever takes it borrows it.
///
/// # Invariants
///
/// `lock` is initialized.
pub(crate) struct SpinLock<T> {
    lock: Opaque<kernel::bindings::spinlock_t>,
    data: UnsafeCell<T>,
}

// SAFETY: as with any lock, the data is sent with it.
unsafe impl<T: Send> Send for SpinLock<T> {}
// SAFETY: only one thread at a time accesses the data.
unsafe impl<T: Send> Sync for SpinLock<T> {}

/// The data, while the lock is held.
///
/// # Invariants
///
/// The lock is held by the current task.
pub(crate) struct Guard<'a, T>(&'a SpinLock<T>, NotThreadSafe);

impl<T: Send + 'static> Lock<T> for SpinLock<T> {
    type Guard<'a> = Guard<'a, T>;

    fn new(data: T, rank: Rank) -> Self {
        match rank {
            Rank::Cluster => Self::of_class(data, c"vswap_cluster", static_lock_class!()),
            Rank::Lists => Self::of_class(data, c"vswap_lists", static_lock_class!()),
        }
    }

    #[inline]
    fn lock(&self) -> Guard<'_, T> {
        // SAFETY: the lock is initialized by the invariant.
        unsafe { kernel::bindings::spin_lock(self.lock.get()) };
        // INVARIANT: just taken.
        Guard(self, NotThreadSafe)
    }
}

/// A value of a CPU: see [`LocalLock`](super::cpu::LocalLock).
#[cfg(CONFIG_PREEMPT_RT)]
impl<T: Default> Default for SpinLock<T> {
    fn default() -> Self {
        Self::of_class(T::default(), c"vswap_local", static_lock_class!())
    }
}

impl<T> SpinLock<T> {
    /// A lock that nobody holds, of that class for lockdep.
    #[inline(always)]
    fn of_class(data: T, name: &'static CStr, class: Pin<&'static LockClassKey>) -> Self {
        let lock = Opaque::uninit();
        // SAFETY: it is memory for a spinlock; the name and the class live for ever.
        unsafe {
            kernel::bindings::__spin_lock_init(lock.get(), name.as_char_ptr(), class.as_ptr());
        }
        // INVARIANT: just initialized. It holds no address of its own.
        Self {
            lock,
            data: UnsafeCell::new(data),
        }
    }
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: by the invariant the lock is held, and the guard is borrowed.
        unsafe { &*self.0.data.get() }
    }
}

impl<T> DerefMut for Guard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above, exclusively.
        unsafe { &mut *self.0.data.get() }
    }
}

impl<T> Drop for Guard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: by the invariant the lock is held.
        unsafe { kernel::bindings::spin_unlock(self.0.lock.get()) }
    }
}
