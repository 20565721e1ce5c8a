// SPDX-License-Identifier: GPL-2.0-only

//! The current CPU.
//!
//! C header: `include/linux/smp.h`

use super::bindings;
use core::mem::ManuallyDrop;
use kernel::prelude::*;
use kernel::types::NotThreadSafe;

/// Evidence that preemption is off, and the number of the CPU that runs this.
///
/// It is an RCU read-side critical section as well: grace periods wait for regions without
/// preemption, in kernels that are not PREEMPT_RT, for which vswap is not built.
///
/// # Invariants
///
/// Creating the guard has switched preemption off; dropping it switches it on.
pub(crate) struct Pinned(usize, NotThreadSafe);

impl Pinned {
    /// Stays on this CPU while the guard lives. Its holder must not sleep.
    #[inline]
    pub(crate) fn new() -> Self {
        // SAFETY: no requirements; the drop below undoes it.
        let cpu = unsafe { bindings::vswap_get_cpu() };
        // INVARIANT: preemption was just switched off.
        Self(lossless(cpu), NotThreadSafe)
    }

    /// For a caller that already has preemption off, such as the holder of a spinlock.
    ///
    /// # Safety
    ///
    /// Preemption is off, and stays so as long as the value lives.
    #[inline]
    pub(super) unsafe fn already() -> ManuallyDrop<Self> {
        // SAFETY: no requirements.
        let cpu = unsafe { bindings::vswap_this_cpu() };
        // INVARIANT: preemption is off; the guard is not dropped, so it stays so.
        ManuallyDrop::new(Self(lossless(cpu), NotThreadSafe))
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
        // SAFETY: by the invariant, preemption is off by this guard's making.
        unsafe { bindings::vswap_put_cpu() }
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
    // SAFETY: set during boot and not changed since.
    lossless(unsafe { kernel::bindings::nr_cpu_ids })
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
