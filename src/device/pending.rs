// SPDX-License-Identifier: GPL-2.0-only

//! Freed slots that wait for a sweep, and where the thread waits for them that sweeps.

use crate::engine::pending;
use crate::glue::wait::WaitQueue;
use kernel::prelude::*;

/// Whether there are some, and the thread's bell.
#[pin_data]
pub(crate) struct Pending {
    slots: pending::Pending,
    #[pin]
    bell: WaitQueue,
}

impl Pending {
    /// Nothing is pending.
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            slots: pending::Pending::default(),
            bell <- WaitQueue::new(),
        })
    }

    /// A cluster has a marked slot for the first time since it was swept.
    #[cold]
    pub(super) fn add(&self) {
        if self.slots.add() {
            self.bell.wake();
        }
    }

    /// What is pending.
    pub(crate) fn slots(&self) -> &pending::Pending {
        &self.slots
    }

    /// Where the thread that sweeps waits for some.
    pub(crate) fn bell(&self) -> &WaitQueue {
        &self.bell
    }
}
