// SPDX-License-Identifier: GPL-2.0-only

//! Repairs: pages that disks failed to take are stored elsewhere.

use super::{Call, Device};
use crate::engine::counters::Counter;
use crate::glue::cpu::Pinned;
use crate::glue::trace;
use crate::glue::way::Store;
use crate::tiers::contexts::Lazy;
use crate::tiers::disk::Allocating;
use crate::tiers::ram::Incompressible;
use crate::tiers::transfer::Failed;
use kernel::prelude::*;

/// How many times a page that disks fail to take is stored elsewhere before it stays in memory.
const RETRIES: usize = 4;

/// How long a repair waits for a disk, in milliseconds.
const REPAIR_MS: u32 = 1000;

impl Device {
    /// Implements [`repair`](crate::glue::call::Serves::repair). It does not wait for a disk that does
    /// not answer: if the disk answers later with an error, there is another repair.
    pub(super) fn repair_call(
        &self,
        call: &mut Call<Store>,
        result: Result,
        failed: &Failed,
    ) -> Result {
        if result.is_err() {
            self.undo(call, &[failed]);
            return result;
        }
        let mut latest = None;
        for _ in 0..RETRIES {
            let bad = latest.as_ref().unwrap_or(failed);
            let sent = self.send_again(call, bad);
            let again = call.wait(REPAIR_MS);
            if call.is_under_way() {
                if sent.is_err() {
                    self.give_up(call, bad);
                }
                // The rest is undone when the requests under way have ended.
                return sent;
            }
            if sent.is_err() {
                match &again {
                    Some(again) => self.undo(call, &[bad, again]),
                    None => self.undo(call, &[bad]),
                }
                return sent;
            }
            if again.as_ref().is_none_or(|again| again.is_none()) {
                return Ok(());
            }
            latest = again;
        }
        self.undo(call, &[latest.as_ref().unwrap_or(failed)]);
        Err(EIO)
    }

    /// Frees the slots of a call whose pages were not written, while others of the call are under way.
    #[cold]
    #[inline(never)]
    fn give_up(&self, call: &mut Call<Store>, bad: &Failed) {
        for page in call.pages().filter_map(Result::ok) {
            if self.place_of(page.slot()).is_some_and(|p| bad.has(p)) {
                self.empty(&Pinned::new(), page.slot(), &[bad]);
            }
        }
    }

    /// Stores the pages of a call that were not written elsewhere. `EIO`: there is no such page.
    #[inline(never)]
    fn send_again(&self, call: &mut Call<Store>, bad: &Failed) -> Result {
        let mut context = Lazy::new(&self.contexts);
        let mut result = Err(EIO);
        for page in call.pages() {
            let page = page?;
            if !self.place_of(page.slot()).is_some_and(|p| bad.has(p)) {
                continue;
            }
            self.tally(&Pinned::new()).count(Counter::RetriedPages, 1);
            result = Ok(());
            if self.ram.is_used() && !self.ram.is_full() {
                let entry = self
                    .ram
                    .store(page.contents(), context.get()?)
                    .unwrap_or_else(|Incompressible| self.ram.store_raw(page.contents()));
                if let Ok(entry) = entry {
                    self.put(page.slot(), entry, &[bad])?;
                    continue;
                }
            }
            context.give_back();
            let run = self
                .disks
                .allocate_rather(&Allocating::Store(&Pinned::new()), |disk| !bad.is_of(disk));
            self.send(&self.repairs, page, &mut run.ok_or(ENOSPC)?, &[bad])
                .map_err(|(error, _)| error)?;
        }
        result
    }

    /// Frees all slots of a call that failed. None of its requests may be under way.
    pub(super) fn undo(&self, call: &mut Call<Store>, bad: &[&Failed]) {
        for page in call.pages().flatten() {
            let cpu = Pinned::new();
            self.empty(&cpu, page.slot(), bad);
            self.tally(&cpu).count(Counter::FailedStores, 1);
            trace::store_failed(page.slot().slot());
        }
    }
}
