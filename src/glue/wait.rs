// SPDX-License-Identifier: GPL-2.0-only

//! Waiting for a condition, and for progress.
//!
//! A task that waits for work is idle: it counts neither as load nor as hung, and signals don't
//! wake it. A task that waits for progress can be killed. `kernel::sync::CondVar` has neither, and
//! needs a lock.
//!
//! C header: `include/linux/wait.h`

use super::bindings;
use core::ptr;
use core::sync::atomic::{AtomicU64, Ordering};
use kernel::ffi::c_void;
use kernel::prelude::*;
use kernel::types::Opaque;

/// Where tasks wait for a condition. Waiting allocates nothing.
///
/// # Invariants
///
/// `head` is initialized.
#[pin_data]
pub(crate) struct WaitQueue {
    #[pin]
    head: Opaque<kernel::bindings::wait_queue_head>,
}

// SAFETY: a wait queue has its own lock, and may be used on any thread.
unsafe impl Send for WaitQueue {}
// SAFETY: as above.
unsafe impl Sync for WaitQueue {}

/// # Safety
///
/// `data` points at an `F`.
unsafe extern "C" fn call<F: Fn() -> bool>(data: *mut c_void) -> bool {
    // SAFETY: as this function requires.
    unsafe { (*data.cast::<F>())() }
}

impl WaitQueue {
    /// A queue that nobody waits in.
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            // INVARIANT: initialized here.
            // SAFETY: `head` points at memory for a wait queue, which stays where it is.
            head <- Opaque::ffi_init(|head| unsafe { bindings::vswap_wait_init(head) }),
        })
    }

    /// Sleeps until `ready`, which is called first and after each wake. It must not sleep. A
    /// freezable thread may be frozen while it waits here.
    pub(super) fn wait<F: Fn() -> bool>(&self, ready: F) {
        let data = ptr::from_ref(&ready).cast_mut().cast();
        // SAFETY: the queue is initialized by the invariant; `data` points at an `F`, which
        // outlives the call.
        unsafe { bindings::vswap_wait(self.head.get(), Some(call::<F>), data) }
    }

    /// As [`wait`](Self::wait), but for at most `milliseconds`. Returns whether it is ready.
    pub(crate) fn wait_timeout<F: Fn() -> bool>(&self, milliseconds: u32, ready: F) -> bool {
        let data = ptr::from_ref(&ready).cast_mut().cast();
        // SAFETY: as in `wait`.
        unsafe {
            bindings::vswap_wait_timeout(self.head.get(), Some(call::<F>), data, milliseconds)
        }
    }

    /// As [`wait_timeout`](Self::wait_timeout), but the task can be killed; then it is not ready.
    fn wait_killable<F: Fn() -> bool>(&self, milliseconds: u32, ready: F) -> bool {
        let data = ptr::from_ref(&ready).cast_mut().cast();
        // SAFETY: as in `wait`.
        unsafe {
            bindings::vswap_wait_killable(self.head.get(), Some(call::<F>), data, milliseconds)
        }
    }

    /// Wakes all waiters, after the condition was written. A fence and a load when
    /// there are none. Does not sleep; allowed in interrupts.
    #[inline]
    pub(crate) fn wake(&self) {
        // SAFETY: the queue is initialized by the invariant.
        unsafe { bindings::vswap_wake(self.head.get()) }
    }
}

/// Sleeps for that many milliseconds, or a little longer. Counts as waiting for I/O.
pub(crate) fn pause(milliseconds: u32) {
    // SAFETY: no requirements but that the caller may sleep.
    unsafe { bindings::vswap_pause(milliseconds) }
}

/// Sleeps that become longer, for polling.
pub(crate) struct Pause(u32);

impl Pause {
    /// The longest, in milliseconds.
    const LONGEST: u32 = 16;

    /// A short one first.
    pub(crate) fn new() -> Self {
        Self(1)
    }

    /// Sleeps. Returns for how long, in milliseconds, or a little less.
    pub(crate) fn sleep(&mut self) -> u32 {
        let milliseconds = self.0;
        pause(milliseconds);
        self.0 = milliseconds.saturating_mul(2).min(Self::LONGEST);
        milliseconds
    }
}

/// Progress that others can wait for.
#[pin_data]
pub(crate) struct Progress {
    sequence: AtomicU64,
    #[pin]
    queue: WaitQueue,
}

impl Progress {
    /// At the start.
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            sequence: AtomicU64::new(0),
            queue <- WaitQueue::new(),
        })
    }

    /// The current state: read it before checking whether to wait.
    #[inline]
    pub(crate) fn now(&self) -> u64 {
        self.sequence.load(Ordering::Acquire)
    }

    /// Progress was made: all waiters check again. Does not sleep; allowed in interrupts.
    #[inline]
    pub(crate) fn advance(&self) {
        self.sequence.fetch_add(1, Ordering::Release);
        self.queue.wake();
    }

    /// Sleeps until there is progress since `seen`, which [`now`](Self::now) returned, or
    /// `milliseconds` have passed, or the task is to die. Returns whether there is progress.
    pub(crate) fn wait(&self, seen: u64, milliseconds: u32) -> bool {
        self.queue
            .wait_killable(milliseconds, || self.now() != seen)
    }
}
