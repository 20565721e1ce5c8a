// SPDX-License-Identifier: GPL-2.0-only

//! Wakes the thread that watches the disks.

use crate::glue::wait::WaitQueue;
use core::sync::atomic::{fence, AtomicBool, Ordering};
use kernel::prelude::*;
use kernel::sync::Arc;

/// Where the thread waits until there is a reason to check the disks.
#[pin_data]
pub(crate) struct Bell {
    #[pin]
    queue: WaitQueue,
    /// Whether the thread is checking the disks.
    is_awake: AtomicBool,
    /// Whether it has to check at once.
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

    /// Wakes the thread; whatever it has to find must be written before. Costs a fence and a load while
    /// the thread is awake. Works in any context.
    #[inline]
    pub(crate) fn ring(&self) {
        // Before the thread rests it clears the flag, and then checks once more.
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

    /// Like [`ring`](Self::ring), but the thread checks at once.
    pub(crate) fn ring_now(&self) {
        self.hurries.store(true, Ordering::SeqCst);
        self.wake();
    }

    /// Where the thread waits.
    pub(crate) fn queue(&self) -> &WaitQueue {
        &self.queue
    }

    /// Whether the thread is checking the disks.
    pub(crate) fn is_awake(&self) -> bool {
        self.is_awake.load(Ordering::SeqCst)
    }

    /// The thread is about to rest. It checks once more after this, and whoever rings later wakes it.
    pub(crate) fn rest(&self) {
        self.is_awake.store(false, Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    /// The thread does not rest after all.
    pub(crate) fn stay_awake(&self) {
        self.is_awake.store(true, Ordering::SeqCst);
    }

    /// Whether the thread has to check at once. Clears the flag.
    pub(crate) fn is_hurried(&self) -> bool {
        self.hurries.swap(false, Ordering::SeqCst)
    }
}
