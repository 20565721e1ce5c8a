// SPDX-License-Identifier: GPL-2.0-only

//! The sequential readers of packed pages.

use crate::engine::slot::Slot;
use crate::engine::trust::Trust;
use crate::engine::window::{Ahead, Windows};
use crate::glue::wait::WaitQueue;
use kernel::prelude::*;

/// The sequential readers, and the queue in which they wait for the thread.
#[pin_data]
pub(crate) struct Readers {
    /// The sequential readers.
    pub(crate) windows: Windows,
    /// Whether pages that are read ahead are used.
    pub(super) trust: Trust,
    /// Where the thread waits for work.
    #[pin]
    pub(crate) bell: WaitQueue,
    /// Where readers wait for a segment that is coming.
    #[pin]
    pub(super) arrived: WaitQueue,
}

impl Readers {
    /// No sequential reader is known.
    pub(super) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            windows: Windows::default(),
            trust: Trust::default(),
            bell <- WaitQueue::new(),
            arrived <- WaitQueue::new(),
        })
    }

    /// A slot is about to be read from a disk. Returns how much may be read ahead.
    pub(super) fn ask(&self, slot: Slot) -> Ahead {
        self.windows.ask(slot, self.trust.is_enough())
    }

    /// A slot was wanted that had been read ahead. Wakes the thread if it is time to read more.
    #[inline]
    pub(super) fn asked_for(&self, slot: Slot) {
        self.trust.asked_for();
        if self.windows.ask_on(slot) {
            self.bell.wake();
        }
    }
}
