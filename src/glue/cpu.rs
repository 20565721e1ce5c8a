// SPDX-License-Identifier: GPL-2.0-only

//! The current CPU.
//!
//! C headers: `include/linux/smp.h`, `include/linux/local_lock.h`

use super::bindings;
#[cfg(CONFIG_PREEMPT_RT)]
use super::spinlock::SpinLock;
#[cfg(CONFIG_PREEMPT_RT)]
use crate::engine::platform::Lock;
use core::mem::ManuallyDrop;
use kernel::prelude::*;
use kernel::types::NotThreadSafe;

/// Evidence that the task stays on a CPU, and the CPU's number. It is an RCU read-side critical
/// section as well. Its holder may take spinlocks, but must not sleep otherwise.
///
/// Preemption is off, so no other task uses this CPU's values meanwhile. With PREEMPT_RT, where
/// spinlocks sleep, it is on, and other tasks of this CPU come in between: what they must not see
/// or do meanwhile is in [`alone`](Self::alone), or guarded by a [`LocalLock`], and counters are
/// added to atomically ([`counters::add`](crate::engine::counters::add)).
///
/// # Invariants
///
/// The task stays on its CPU, and no grace period that begins meanwhile ends, as long as the guard
/// lives.
pub(crate) struct Pinned(usize, NotThreadSafe);

impl Pinned {
    /// Stays on this CPU while the guard lives.
    #[inline]
    pub(crate) fn new() -> Self {
        // SAFETY: no requirements; the drop below undoes it.
        let cpu = unsafe { bindings::vswap_get_cpu() };
        // INVARIANT: preemption was just switched off, or with PREEMPT_RT migration, and an RCU
        // reader begun.
        Self(lossless(cpu), NotThreadSafe)
    }

    /// For a caller that holds a spinlock, which does the same, with PREEMPT_RT as well.
    ///
    /// # Safety
    ///
    /// A spinlock is held as long as the value lives.
    #[inline]
    pub(super) unsafe fn already() -> ManuallyDrop<Self> {
        // SAFETY: no requirements.
        let cpu = unsafe { bindings::vswap_this_cpu() };
        // INVARIANT: by the spinlock; the guard is not dropped, which would undo it.
        ManuallyDrop::new(Self(lossless(cpu), NotThreadSafe))
    }

    /// Calls `then` with no other task of this CPU in between. It takes no locks.
    #[inline(always)]
    pub(crate) fn alone<R>(&self, then: impl FnOnce() -> R) -> R {
        #[cfg(CONFIG_PREEMPT_RT)]
        let _off = PreemptionOff::new();
        then()
    }

    /// The CPU's number, below [`count`].
    #[inline]
    pub(crate) fn number(&self) -> usize {
        self.0
    }
}

impl Drop for Pinned {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: undoes what `new` did, once.
        unsafe { bindings::vswap_put_cpu() }
    }
}

/// Keeps other tasks off this CPU.
///
/// # Invariants
///
/// Creating the guard has switched preemption off; dropping it switches it on.
#[cfg(CONFIG_PREEMPT_RT)]
struct PreemptionOff(NotThreadSafe);

#[cfg(CONFIG_PREEMPT_RT)]
impl PreemptionOff {
    #[inline]
    fn new() -> Self {
        // SAFETY: no requirements; the drop below undoes it.
        unsafe { bindings::vswap_preempt_disable() }
        // INVARIANT: preemption was just switched off.
        Self(NotThreadSafe)
    }
}

#[cfg(CONFIG_PREEMPT_RT)]
impl Drop for PreemptionOff {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: by the invariant, preemption is off by this guard's making.
        unsafe { bindings::vswap_preempt_enable() }
    }
}

/// The CPU that ran this a moment ago: a hint, as the task may have moved since.
#[inline]
pub(crate) fn hint() -> usize {
    // SAFETY: no requirements.
    lossless(unsafe { bindings::vswap_this_cpu() })
}

/// One more than the highest number a CPU can ever have; hotplugged CPUs are included.
pub(crate) fn count() -> usize {
    lossless(possible())
}

/// The same as a `u32`.
pub(crate) fn possible() -> u32 {
    // SAFETY: set during boot and not changed since.
    unsafe { kernel::bindings::nr_cpu_ids }
}

const _: () = assert!(size_of::<usize>() == 8, "vswap needs a 64-bit kernel");

#[inline]
fn lossless(number: u32) -> usize {
    // Lossless: usize has 64 bits, as asserted above.
    number as usize
}

/// One `T` for each CPU.
pub(crate) struct PerCpu<T>(KVec<T>);

impl<T: Default> PerCpu<T> {
    /// A default value for each possible CPU. May sleep.
    pub(crate) fn new() -> Result<Self> {
        let mut values = KVec::with_capacity(count(), GFP_KERNEL)?;
        for _ in 0..count() {
            values.push(T::default(), GFP_KERNEL)?;
        }
        Ok(Self(values))
    }
}

impl<T> PerCpu<T> {
    /// This CPU's value. There is one for each, so `None` does not happen.
    #[inline]
    pub(crate) fn local(&self, cpu: &Pinned) -> Option<&T> {
        self.0.get(cpu.number())
    }

    /// All values.
    pub(crate) fn iter(&self) -> core::slice::Iter<'_, T> {
        self.0.iter()
    }
}

/// One CPU's value that one task at a time uses, as with the kernel's `local_lock_t`: staying on the
/// CPU is enough, or with PREEMPT_RT a spinlock is held.
#[derive(Default)]
pub(crate) struct LocalLock<T> {
    #[cfg(not(CONFIG_PREEMPT_RT))]
    value: T,
    #[cfg(CONFIG_PREEMPT_RT)]
    value: SpinLock<T>,
}

impl<T: Send + 'static> LocalLock<T> {
    /// Calls `then` with the value, which must not sleep.
    #[inline(always)]
    pub(crate) fn with<R>(&self, _cpu: &Pinned, then: impl FnOnce(&T) -> R) -> R {
        #[cfg(not(CONFIG_PREEMPT_RT))]
        {
            then(&self.value)
        }
        #[cfg(CONFIG_PREEMPT_RT)]
        {
            then(&self.value.lock())
        }
    }
}
