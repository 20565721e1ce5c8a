// SPDX-License-Identifier: GPL-2.0-only

//! Loads a page.

use super::packed::{Read, Wanted};
use super::{CallPage, Device};
use crate::engine::counters::Counter;
use crate::engine::entry::Place;
use crate::engine::held::HeldContent;
use crate::engine::index::Found;
use crate::engine::traffic::Direction;
use crate::glue::cpu::Pinned;
use crate::glue::rcu::Reader;
use crate::glue::way::Load;
use crate::glue::{swap_area, trace};
use crate::tiers::contexts::Lazy;
use kernel::pr_err_once;
use kernel::prelude::*;

/// How many times a page is looked up that movers keep moving. Each time a mover was faster, or the task
/// had to wait for a context.
const LOOKS: usize = 1000;

impl Device {
    /// Reads a slot's page. `is_run`: the same call wants the next one as well. `recent`: the packed
    /// pages that the call has read last. `EIO`: the slot holds nothing, or it can't be read.
    #[inline]
    pub(super) fn load_page<'a>(
        &'a self,
        mut page: CallPage<'_, Load>,
        is_run: bool,
        context: &mut Lazy<'_>,
        recent: &mut Option<Read<'a>>,
    ) -> Result {
        for _ in 0..LOOKS {
            let (slot, contents) = page.parts();
            let reader = Reader::new();
            let (held, found) = self.index.load(&Pinned::new(), &reader, slot);
            trace::load(slot.slot(), held.entry());
            match held.content() {
                Some(HeldContent::Same(word)) => {
                    contents.fill(word);
                    self.loaded(&Pinned::new(), found, Counter::SameLoads);
                    return Ok(());
                }
                Some(HeldContent::Ram(object)) => {
                    // Waiting for a context may sleep, which is forbidden to an RCU reader.
                    let Some(context) = context.try_get() else {
                        drop(reader);
                        context.get()?;
                        continue;
                    };
                    self.loaded(&Pinned::new(), found, Counter::RamLoads);
                    self.ram.load(&object, contents, context)?;
                    drop(reader);
                    self.take_over(&page);
                    return Ok(());
                }
                Some(HeldContent::Disk(place)) => {
                    if self.copy_from_disk(&reader, place, &page, found) {
                        return Ok(());
                    }
                    drop(reader);
                    let bay = self.disks.bay(place.disk);
                    let Some((entered, place)) =
                        bay.and_then(|bay| bay.enter_for(|| self.place_of(page.slot())))
                    else {
                        // A mover was faster.
                        continue;
                    };
                    self.loaded(&Pinned::new(), found, Counter::DiskLoads);
                    context.give_back();
                    swap_area::page_read_from_disk();
                    page.send(&self.loads, &entered, place.slot);
                    return Ok(());
                }
                Some(HeldContent::Packed(packed)) => {
                    let wanted = Wanted {
                        slot: slot.slot(),
                        packed,
                        is_run,
                    };
                    drop(reader);
                    if self.load_packed(&mut page, &wanted, context, recent, found)? {
                        return Ok(());
                    }
                    // As above.
                }
                Some(HeldContent::Lost) => {
                    pr_err_once!("a page was read that was given up when its disk was removed\n");
                    return Err(EIO);
                }
                Some(HeldContent::Empty) | None => {
                    pr_err_once!("a slot was read that holds no page; its reader gets an error\n");
                    return Err(EIO);
                }
            }
        }
        pr_err_once!("a page was not found where its slot says\n");
        Err(EIO)
    }

    /// Empties the slot of a page that was read from memory, so that the page is not kept twice: from now
    /// on only the folio has it. Does nothing where the swap core frees the slot by itself.
    #[inline]
    fn take_over(&self, page: &CallPage<'_, Load>) {
        if !swap_area::is_synchronous() && page.take_over() {
            self.empty(&Pinned::new(), page.slot(), &[]);
        }
    }

    /// Reads a page from a disk that is memory. `false`: that was not possible.
    #[inline]
    fn copy_from_disk(
        &self,
        reader: &Reader,
        place: Place,
        page: &CallPage<'_, Load>,
        found: Found,
    ) -> bool {
        // The page and the disk stay in place until the reader is done: whoever moves the page and then
        // removes the disk waits for a grace period in between.
        let bay = self.disks.bay(place.disk);
        let Some(disk) = bay.and_then(|bay| bay.peek_as(reader)) else {
            return false;
        };
        let done = page.copy(disk, place.slot);
        if done {
            let cpu = Pinned::new();
            self.loads.copied(&cpu, Direction::Read, disk);
            self.loaded(&cpu, found, Counter::DiskLoads);
        }
        done
    }

    /// Counts a page that was found and loaded.
    #[inline]
    pub(super) fn loaded(&self, cpu: &Pinned, found: Found, from: Counter) {
        let tally = self.tally(cpu);
        tally.found(found);
        tally.count(from, 1);
    }
}
