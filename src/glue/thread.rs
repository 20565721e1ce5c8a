// SPDX-License-Identifier: GPL-2.0-only

//! Kernel threads.
//!
//! C headers: `include/linux/kthread.h`, `include/linux/freezer.h`, `include/linux/sched/mm.h`

use super::bindings;
use super::wait::WaitQueue;
use core::ptr::{self, NonNull};
use kernel::error::from_err_ptr;
use kernel::ffi::{c_int, c_uint, c_void};
use kernel::prelude::*;
use kernel::sync::Arc;
use kernel::types::NotThreadSafe;

/// The work of a [`Thread`].
pub(crate) trait Work: Send + Sync {
    /// Where the thread waits for work. Whoever creates work wakes it there.
    fn bell(&self) -> &WaitQueue;

    /// Whether there is work. Must not sleep. It is called after each wake, and after
    /// each [`run`](Self::run): if it is always true, the thread never sleeps.
    fn wanted(&self) -> bool;

    /// Does the work, or a part of it. May sleep, but must heed the [`Stop`] soon.
    ///
    /// Allocations do not reclaim, and use the reserves: the thread frees memory.
    fn run(&self, stop: &Stop);
}

/// Evidence of running on a [`Thread`]'s task: says whether that is to stop.
///
/// # Invariants
///
/// The current task is a kernel thread that runs [`main`].
pub(crate) struct Stop(NotThreadSafe);

impl Stop {
    /// Whether the thread is to stop soon, for good or because the machine is being suspended or
    /// hibernated, and [`Work::run`] is to return.
    #[inline]
    pub(crate) fn requested(&self) -> bool {
        // SAFETY: by the invariant the current task is a kernel thread.
        unsafe { bindings::vswap_thread_is_to_stop() }
    }

    /// Whether it is to stop for good. Freezes here, if that is wanted first. May sleep.
    fn is_for_good(&self) -> bool {
        // SAFETY: by the invariant the current task is a kernel thread, which holds no lock here.
        unsafe { kernel::bindings::kthread_freezable_should_stop(ptr::null_mut()) }
    }
}

/// The thread's argument.
struct Shared(Arc<dyn Work>);

/// A kernel thread that works whenever there is something to do. Dropping it stops it, and waits
/// for that, even in the middle of its work.
///
/// The thread holds its work: the work must not own the thread, or neither is freed.
///
/// The thread is frozen for suspend and hibernation: the hibernation image would not know of changes
/// that it made to a disk after the image.
///
/// # Invariants
///
/// `task` runs [`main`] with `_shared`, and does so until [`kthread_stop`] stops it.
///
/// [`kthread_stop`]: kernel::bindings::kthread_stop
pub(crate) struct Thread {
    task: NonNull<kernel::bindings::task_struct>,
    _shared: KBox<Shared>,
}

// SAFETY: a thread may be woken and stopped by any other.
unsafe impl Send for Thread {}
// SAFETY: as above.
unsafe impl Sync for Thread {}

/// Allocations of the current task neither reclaim memory nor wait for it while this lives.
///
/// # Invariants
///
/// `flags` is what the task had when this was made, and the task has not changed it since.
pub(super) struct NoReclaim {
    flags: c_uint,
    _task: NotThreadSafe,
}

impl NoReclaim {
    pub(super) fn new() -> Self {
        // SAFETY: no requirements; the drop below undoes it.
        let flags = unsafe { bindings::vswap_noreclaim_save() };
        // INVARIANT: just saved. `main` makes one at a time.
        Self {
            flags,
            _task: NotThreadSafe,
        }
    }
}

impl Drop for NoReclaim {
    fn drop(&mut self) {
        // SAFETY: by the invariant, the flags are those from before.
        unsafe { bindings::vswap_noreclaim_restore(self.flags) }
    }
}

/// # Safety
///
/// Called by a kernel thread of ours, with a [`Shared`] that stays until it returns.
unsafe extern "C" fn main(data: *mut c_void) -> c_int {
    // SAFETY: as this function requires.
    let shared = unsafe { &*data.cast_const().cast::<Shared>() };
    // INVARIANT: as this function requires.
    let stop = Stop(NotThreadSafe);
    // SAFETY: the current task is a kernel thread.
    unsafe { kernel::bindings::set_freezable() };
    while !stop.is_for_good() {
        shared
            .0
            .bell()
            .wait(|| stop.requested() || shared.0.wanted());
        if !stop.requested() {
            let _scope = NoReclaim::new();
            shared.0.run(&stop);
        }
    }
    0
}

impl Thread {
    /// Starts a thread; `name` is what `ps` shows, cut to 15 bytes. May sleep.
    ///
    /// `ENOMEM`: no memory. `EINTR`: the caller was killed.
    pub(crate) fn start<T: Work + 'static>(name: &CStr, work: Arc<T>) -> Result<Self> {
        let shared = KBox::new(Shared(work as Arc<dyn Work>), GFP_KERNEL)?;
        let data: *const Shared = &*shared;
        // SAFETY: the name is copied; the data stays until `drop` has stopped the thread, or is
        // unused, if there is no thread.
        let task = from_err_ptr(unsafe {
            bindings::vswap_thread_start(Some(main), data.cast_mut().cast(), name.as_char_ptr())
        })?;
        // INVARIANT: just started so.
        Ok(Self {
            task: NonNull::new(task).ok_or(ENOMEM)?,
            _shared: shared,
        })
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        // SAFETY: by the invariant the task runs until this, and is stopped once. If it has not
        // reached `main` yet, it never does.
        unsafe { kernel::bindings::kthread_stop(self.task.as_ptr()) };
    }
}
