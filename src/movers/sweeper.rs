// SPDX-License-Identifier: GPL-2.0-only

//! The thread that frees what freed slots held. It begins a moment after the first slot was freed, so
//! that freed slots accumulate.

use crate::device::Device;
use crate::glue::thread::{Stop, Work};
use crate::glue::wait::WaitQueue;
use kernel::prelude::*;
use kernel::sync::Arc;

/// How long the thread waits for more freed slots after the first one, in milliseconds.
const GATHERING_MS: u32 = 10;

/// The work of the thread.
pub(crate) struct Sweeper(Arc<Device>);

impl Sweeper {
    /// The work for a device. May sleep.
    pub(crate) fn new(device: Arc<Device>) -> Result<Arc<Self>> {
        Ok(Arc::new(Self(device), GFP_KERNEL)?)
    }
}

impl Work for Sweeper {
    fn bell(&self) -> &WaitQueue {
        let Self(device) = self;
        &device.sweeping
    }

    fn wanted(&self) -> bool {
        self.0.pending.any()
    }

    fn run(&self, stop: &Stop) {
        self.bell().wait_timeout(GATHERING_MS, || stop.requested());
        if self.0.sweep() {
            self.0.progress.advance();
        }
    }
}
