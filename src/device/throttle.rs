// SPDX-License-Identifier: GPL-2.0-only

//! Makes room in the ram tier for a page that is being stored.
//!
//! A store runs inside reclaim, and its task may hold locks of memory maps or file systems that the
//! writing to a disk depends on. So a store waits for nothing in particular, and never for long.

use super::Device;
use crate::engine::counters::Counter;
use crate::engine::patience;
use crate::glue::cpu::Pinned;
use crate::glue::{clock, task};

impl Device {
    /// Makes room for a page in the full ram tier: sweeps, or waits for writeback. Returns whether there
    /// is room now. May sleep.
    #[cold]
    #[inline(never)]
    pub(crate) fn make_room(&self) -> bool {
        self.sweep() && !self.ram().is_full() || self.wait_for_room()
    }

    /// Waits for writeback to make room, while that makes progress and this task may wait.
    fn wait_for_room(&self) -> bool {
        if !self.writes_back() || !task::may_wait() {
            return false;
        }
        let began = clock::milliseconds();
        let task = task::number();
        let mut left = self.patience.left(task, began);
        if left == 0 {
            return false;
        }
        self.tally(&Pinned::new())
            .count(Counter::ThrottledStores, 1);
        let (mut gets_on, mut now) = (true, began);
        while gets_on && left != 0 && self.ram().is_full() && self.writes_back() {
            let seen = self.progress.now();
            self.bell.wake();
            // Room that was made before `seen` was read is noticed here.
            gets_on = !self.ram().is_full() || self.progress.wait(seen, left);
            let waited = now;
            now = clock::milliseconds();
            let waited = u32::try_from(now.saturating_sub(waited));
            left = left.saturating_sub(waited.unwrap_or(patience::ALLOWED));
        }
        self.patience.waited(task, now.saturating_sub(began), now);
        !self.ram().is_full()
    }

    /// Whether writeback can be expected to make room.
    pub(crate) fn writes_back(&self) -> bool {
        !self.is_writeback_resting() && self.disks().take_pages()
    }
}
