// SPDX-License-Identifier: GPL-2.0-only

//! The thread that reads ahead for sequential readers of packed pages.

use crate::device::Device;
use crate::glue::thread::{Stop, Work};
use crate::glue::wait::WaitQueue;
use kernel::prelude::*;
use kernel::sync::Arc;

/// The work of the thread.
pub(crate) struct Reading(Arc<Device>);

impl Reading {
    /// The work for a device. May sleep.
    pub(crate) fn new(device: Arc<Device>) -> Result<Arc<Self>> {
        Ok(Arc::new(Self(device), GFP_KERNEL)?)
    }
}

impl Work for Reading {
    fn bell(&self) -> &WaitQueue {
        &self.0.readers.bell
    }

    fn wanted(&self) -> bool {
        self.0.readers.windows.is_asked()
    }

    fn run(&self, stop: &Stop) {
        while !stop.requested() {
            let Some(from) = self.0.readers.windows.take_asked() else {
                return;
            };
            self.0.read_on(from, stop);
        }
    }
}
