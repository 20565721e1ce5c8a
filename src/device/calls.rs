// SPDX-License-Identifier: GPL-2.0-only

//! The calls of the swap core.

use super::store::Storing;
use super::{Call, Device};
use crate::glue::call::Serves;
use crate::glue::way::{Load, Store};
use crate::tiers::contexts::Lazy;
use crate::tiers::disk::Disk;
use crate::tiers::transfer::Failed;
use kernel::prelude::*;

impl Serves for Device {
    type Disk = Disk;

    #[inline]
    fn store(&self, call: &mut Call<Store>) -> Result {
        let mut context = Lazy::new(&self.contexts);
        let result = Storing::new(self, call.pages(), &mut context).run();
        drop(context);
        if result == Err(ENOSPC) {
            self.found_no_room();
        }
        if result.is_err() && !call.is_under_way() {
            self.undo(call, &[]);
        }
        if self.ram.is_used() && !self.disks.are_none() && self.ram.is_above_high() {
            self.bell.wake();
        }
        result
    }

    fn repair(&self, call: &mut Call<Store>, result: Result, failed: &Failed) -> Result {
        self.repair_call(call, result, failed)
    }

    #[inline]
    fn load(&self, call: &mut Call<Load>) -> Result {
        let mut context = Lazy::new(&self.contexts);
        let mut recent = None;
        let mut pages = call.pages();
        while let Some(page) = pages.next() {
            let is_run = pages.left_in_folio() > 1;
            self.load_page(page?, is_run, &mut context, &mut recent)?;
        }
        Ok(())
    }
}
