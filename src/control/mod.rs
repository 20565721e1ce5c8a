// SPDX-License-Identifier: GPL-2.0-only

//! The user's view: the attributes in `/sys/class/vswap/vswap0/`.

pub(crate) mod attributes;
mod tiers;

use crate::device::Device;
use crate::engine::config::Refusal;
use crate::glue::chardev::Behind;
use crate::glue::inode::SwapInode;
use crate::glue::pressure::Pressure;
use crate::glue::thread::Thread;
use crate::movers::readahead::Reading;
use crate::movers::sweeper::Sweeper;
use crate::movers::watch::Watcher;
use crate::movers::writeback::Background;
use kernel::prelude::*;
use kernel::sync::{new_mutex, Arc, Mutex};

/// A device and its inode.
pub(crate) struct Control {
    device: Arc<Device>,
    inode: SwapInode<Device>,
    /// The threads that write back and read ahead, from the first disk on. The mutex also serializes
    /// changes that depend on one another.
    transfers: Pin<KBox<Mutex<Option<[Thread; 2]>>>>,
    /// Passes the kernel's requests for memory to the device.
    _pressure: Pressure<Device>,
    /// The thread that sweeps.
    _sweeper: Thread,
    /// The thread that watches disks.
    _watcher: Thread,
}

impl Control {
    /// The control of that device. May sleep.
    #[inline(never)]
    pub(crate) fn new(device: Arc<Device>, inode: SwapInode<Device>) -> Result<Self> {
        let sweeper = Thread::start(c"vswap_sweep", Sweeper::new(device.clone())?)?;
        let watcher = Thread::start(c"vswap_watch", Watcher::new(device.clone())?)?;
        Ok(Self {
            _pressure: Pressure::new(c"vswap", device.clone())?,
            device,
            inode,
            _sweeper: sweeper,
            _watcher: watcher,
            transfers: KBox::pin_init(new_mutex!(None, "vswap_control"), GFP_KERNEL)?,
        })
    }

    /// Serializes changes, as long as the guard lives.
    pub(crate) fn lock(&self) -> impl Drop + '_ {
        self.transfers.lock()
    }

    /// Makes sure that there are threads to write back and to read ahead. May sleep.
    #[inline(never)]
    pub(crate) fn start_transfers(&self) -> Result {
        let mut threads = self.transfers.lock();
        if threads.is_none() {
            let reading = Reading::new(self.device.clone())?;
            let writing = Background::new(self.device.clone())?;
            *threads = Some([
                Thread::start(c"vswap_readahead", reading)?,
                Thread::start(c"vswap_writeback", writing)?,
            ]);
        }
        Ok(())
    }
}

impl Behind for Control {
    type Device = Device;

    fn inode(&self) -> &SwapInode<Device> {
        &self.inode
    }
}

/// Logs why a value is refused, and refuses it.
fn refused(what: &str, refusal: Refusal) -> Error {
    pr_err!("{}: {}\n", what, refusal.message());
    EINVAL
}

/// The value that was given, unless it is refused.
pub(crate) fn accepted<T>(what: &str, given: Result<T, Refusal>) -> Result<T> {
    given.map_err(|refusal| refused(what, refusal))
}
