// SPDX-License-Identifier: GPL-2.0-only

//! Freed slots that wait for a sweep, and the sweeping thread's bell.

use crate::engine::pending;
use crate::glue::wait::WaitQueue;
use kernel::prelude::*;

/// Whether there are some, and where the thread waits.
#[pin_data]
pub(crate) struct Pending {
    slots: pending::Pending,
    #[pin]
    bell: WaitQueue,
}

impl Pending {
    /// No freed slots.
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            slots: pending::Pending::default(),
            bell <- WaitQueue::new(),
        })
    }

    /// A slot of a cluster was freed, the first one since the cluster was swept.
    #[cold]
    pub(super) fn add(&self) {
        if self.slots.add() {
            self.bell.wake();
        }
    }

    /// The clusters with freed slots.
    pub(crate) fn slots(&self) -> &pending::Pending {
        &self.slots
    }

    /// Where the sweeping thread waits for work.
    pub(crate) fn bell(&self) -> &WaitQueue {
        &self.bell
    }
}
