// SPDX-License-Identifier: GPL-2.0-only

//! Adding and removing disks. A disk that does not answer holds up only the task that adds or removes
//! it. That task can be killed; the thread that [watches](crate::movers::watch) the disks then finishes
//! its work.

use super::changes::Change;
use super::disk::Disk;
use super::disks::Disks;
use super::transfer::Bay;
use crate::engine::bay::Grace;
use crate::engine::entry::{DiskNumber, MAX_DISKS};
use crate::engine::options::Options;
use crate::glue::lone_bio::LoneBio;
use crate::glue::target::Target;
use crate::glue::wait::Pause;
use crate::glue::{backing, clock, signal};
use kernel::prelude::*;

/// How long a removal that was given up waits for the readers of what was moved away, in seconds.
const PUT_BACK_S: u32 = 2;

fn stop_draining(bay: &Bay) {
    if let Some(entered) = bay.enter() {
        entered.disk().health().stop_draining();
    }
}

impl Disks {
    /// Opens a block device and adds it. May sleep. The task can be killed while the device does not
    /// answer.
    ///
    /// `EEXIST`: it was added before. `ENOSPC`: there are as many disks as possible. `EINTR`: the task
    /// was killed. Others: see [`Disk::open`].
    #[inline(never)]
    pub(crate) fn add(&self, path: &CStr, priority: i32, options: Options) -> Result {
        let bay = self.reserve(path)?;
        let opened = Disk::open(
            path,
            priority,
            options,
            self.uuid().get(),
            self.bell().clone(),
        );
        let signed = opened.and_then(|disk| self.sign(disk, true));
        let added = self.changes.note(bay.number(), |change| {
            change.reserved = None;
            let disk = signed?;
            let mib = disk.size() >> 20;
            pr_info!("{}: added with {} MiB, priority {}\n", path, mib, priority);
            bay.fill(disk);
            self.reorder();
            self.bell().ring();
            Ok(())
        });
        added.unwrap_or(Err(ENOENT))
    }

    /// Reserves the lowest bay without a disk for the disk at that path.
    fn reserve(&self, path: &CStr) -> Result<&Bay> {
        let number = backing::lookup(path).ok();
        let mut changing = self.changes.0.lock();
        let is_known = number.is_some_and(|number| {
            let comes_or_goes = |change: &Change| change.reserved == Some(number);
            changing.iter().any(comes_or_goes) || self.any(|disk| disk.backing().number() == number)
        });
        if is_known {
            pr_err!("{}: it was added already\n", path);
            return Err(EEXIST);
        }
        for bay in self.bays().filter(|bay| bay.is_empty()) {
            if let Some(change) = changing.get_mut(bay.number().index()) {
                if change.reserved.is_none() {
                    // A path without a device is refused when it is opened.
                    change.reserved = Some(number.unwrap_or(0));
                    return Ok(bay);
                }
            }
        }
        pr_err!(
            "{}: there are {} disks already, which is the maximum\n",
            path,
            MAX_DISKS
        );
        Err(ENOSPC)
    }

    /// Takes a disk without pages out of its bay and closes it. May sleep. If the task is killed while
    /// the disk does not answer, [`tidy`](Self::tidy) does the rest.
    pub(crate) fn take_out(&self, bay: &Bay) {
        let device = bay.enter().map(|entered| entered.disk().backing().number());
        let taken = self.changes.note(bay.number(), |change| {
            let taken = bay.take();
            if taken.is_some() {
                change.reserved = device;
            }
            self.reorder();
            taken
        });
        let Some(mut leaving) = taken.flatten() else {
            return;
        };
        let mut pause = Pause::new();
        loop {
            match bay.has_left(leaving) {
                Ok(disk) => return self.close(bay, disk),
                Err(still) => leaving = still,
            }
            if signal::is_fatal() {
                break;
            }
            pause.sleep();
        }
        self.changes
            .note(bay.number(), |change| change.leaving = Some(leaving));
        self.bell().ring();
    }

    /// Lets a disk take pages again from which some were moved away, once the readers of those have
    /// left. That is mostly before this returns, and later while the disk does not answer.
    pub(crate) fn put_back(&self, bay: &Bay) {
        let mut grace = Grace::default();
        let until = clock::seconds().saturating_add(PUT_BACK_S);
        let mut pause = Pause::new();
        let go_on = || {
            pause.sleep();
            clock::seconds() < until
        };
        if bay.wait_while(&mut grace, go_on) {
            return stop_draining(bay);
        }
        self.changes
            .note(bay.number(), |change| change.returning = Some(grace));
        self.bell().ring();
    }

    /// Whether a disk will take pages again as soon as the readers of what was moved away have left.
    pub(crate) fn is_returning(&self, number: DiskNumber) -> bool {
        let is_returning = |change: &mut Change| change.returning.is_some();
        self.changes.note(number, is_returning).unwrap_or(false)
    }

    /// Closes a disk that nobody sees any more.
    fn close(&self, bay: &Bay, disk: KBox<Disk>) {
        if !disk.backing().is_dead() {
            // An error is logged; the disk is closed in any case.
            drop(self.sign(disk, false));
        }
        self.changes
            .note(bay.number(), |change| change.reserved = None);
    }

    /// Finishes what other tasks have left, as far as that needs no waiting. Returns whether something
    /// is left.
    pub(crate) fn tidy(&self) -> bool {
        let mut is_left = false;
        for bay in self.bays() {
            let mut gone = None;
            let over = self.changes.note(bay.number(), |change| {
                let is_done = |(io, _): &mut (LoneBio, _)| io.is_done();
                let over = change.first_page.take_if(is_done);
                if let Some(grace) = &mut change.returning {
                    if bay.have_left(grace) {
                        change.returning = None;
                        stop_draining(bay);
                    }
                }
                if let Some(leaving) = change.leaving.take() {
                    match bay.has_left(leaving) {
                        Ok(disk) => gone = Some(disk),
                        Err(leaving) => change.leaving = Some(leaving),
                    }
                }
                is_left |= change.leaving.is_some()
                    || change.returning.is_some()
                    || change.first_page.is_some();
                over
            });
            drop(over);
            if let Some(disk) = gone {
                // Nobody waits for the rest either.
                if !disk.backing().is_dead() {
                    if let Ok(io) = disk.sign(false) {
                        self.leave(io, disk);
                    }
                }
                self.changes
                    .note(bay.number(), |change| change.reserved = None);
                is_left = true;
            }
        }
        is_left
    }

    /// Takes all disks out, when the device is not used any more. Waits even for disks that do not
    /// answer, as no request of the module may be left.
    pub(crate) fn take_all_out(&self) {
        for bay in self.bays() {
            self.take_out(bay);
        }
        let mut pause = Pause::new();
        while self.tidy() {
            pause.sleep();
        }
    }

    /// Writes a disk's signature, or zeros instead. May sleep. `EINTR`: the task was killed; the disk is
    /// closed when the write has ended.
    fn sign(&self, disk: KBox<Disk>, signed: bool) -> Result<KBox<Disk>> {
        let io = disk.sign(signed)?;
        if !io.wait() && !io.is_done() {
            self.leave(io, disk);
            return Err(EINTR);
        }
        io.end().inspect_err(|_| {
            pr_err!("{}: its first page can't be written\n", disk.path());
        })?;
        Ok(disk)
    }

    /// Leaves the write of a first page to `tidy`, or waits for it when too many are left.
    fn leave(&self, io: LoneBio, disk: KBox<Disk>) {
        let mut changing = self.changes.0.lock();
        let mut free = changing.iter_mut();
        if let Some(change) = free.find(|change| change.first_page.is_none()) {
            change.first_page = Some((io, disk));
            drop(changing);
            return self.bell().ring();
        }
        drop(changing);
        // The write ends before the disk is dropped.
        drop(io);
    }
}
