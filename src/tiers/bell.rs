// SPDX-License-Identifier: GPL-2.0-only

//! Where the thread is called that sees to disks.

use crate::glue::wait::WaitQueue;
use core::sync::atomic::{fence, AtomicBool, Ordering};
use kernel::prelude::*;
use kernel::sync::Arc;

/// Where the thread waits until there is something to look at.
#[pin_data]
pub(crate) struct Bell {
    #[pin]
    queue: WaitQueue,
    /// Whether the thread looks at the disks.
    is_awake: AtomicBool,
    /// Whether it is to look at once.
    hurries: AtomicBool,
}

impl Bell {
    /// A bell that nobody has rung. May sleep.
    pub(crate) fn new() -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                queue <- WaitQueue::new(),
                is_awake: AtomicBool::new(false),
                hurries: AtomicBool::new(false),
            }),
            GFP_KERNEL,
        )
    }

    /// There is something to look at, which was written before. A fence and a look when the thread
    /// is awake. In any context.
    #[inline]
    pub(crate) fn ring(&self) {
        // Who is about to rest says so first, and looks again then.
        fence(Ordering::SeqCst);
        if !self.is_awake.load(Ordering::Relaxed) {
            self.wake();
        }
    }

    #[cold]
    fn wake(&self) {
        self.is_awake.store(true, Ordering::SeqCst);
        self.queue.wake();
    }

    /// As [`ring`](Self::ring), and it is not to wait.
    pub(crate) fn ring_now(&self) {
        self.hurries.store(true, Ordering::SeqCst);
        self.wake();
    }

    /// Where the thread waits.
    pub(crate) fn queue(&self) -> &WaitQueue {
        &self.queue
    }

    /// Whether the thread looks at the disks.
    pub(crate) fn is_awake(&self) -> bool {
        self.is_awake.load(Ordering::SeqCst)
    }

    /// The thread is about to rest, and looks once more after this: who rings later wakes it.
    pub(crate) fn rest(&self) {
        self.is_awake.store(false, Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    /// The thread does not rest after all.
    pub(crate) fn stay_awake(&self) {
        self.is_awake.store(true, Ordering::SeqCst);
    }

    /// Whether it is to look at once. Asked once for each time.
    pub(crate) fn is_hurried(&self) -> bool {
        self.hurries.swap(false, Ordering::SeqCst)
    }
}
