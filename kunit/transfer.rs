// SPDX-License-Identifier: GPL-2.0-only

//! Bios that succeed and bios that fail, and the consequences.

use crate::glue::thread::{Stop, Work};
use crate::glue::wait::WaitQueue;
use crate::glue::way::Store;
use crate::tiers::transfer::BufferTransfer;
use core::sync::atomic::{AtomicBool, Ordering};
use kernel::macros::kunit_tests;
use kernel::prelude::*;
use kernel::sync::{new_mutex, Arc, Mutex};

/// A thread that has a transfer for a while, and then ends it.
#[pin_data]
struct Keeper {
    #[pin]
    transfer: Mutex<Option<BufferTransfer<Store>>>,
    is_over: AtomicBool,
    #[pin]
    bell: WaitQueue,
}

impl Keeper {
    fn new(transfer: BufferTransfer<Store>) -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                transfer <- new_mutex!(Some(transfer)),
                is_over: AtomicBool::new(false),
                bell <- WaitQueue::new(),
            }),
            GFP_KERNEL,
        )
    }
}

impl Work for Keeper {
    fn bell(&self) -> &WaitQueue {
        &self.bell
    }

    fn wanted(&self) -> bool {
        !self.is_over.load(Ordering::Relaxed)
    }

    fn run(&self, _stop: &Stop) {
        self.bell.wait_timeout(200, || false);
        self.is_over.store(true, Ordering::Relaxed);
        drop(self.transfer.lock().take());
    }
}

#[kunit_tests(vswap_transfer)]
mod cases {
    use super::{Keeper, Ordering};
    use crate::device::Device;
    use crate::engine::claims::Slots;
    use crate::engine::counters::Counter;
    use crate::engine::entry::{DiskNumber, Place};
    use crate::engine::health::State;
    use crate::engine::slot::PhysicalSlot;
    use crate::glue::kunit::Paths;
    use crate::glue::memory::Buffer;
    use crate::glue::thread::Thread;
    use crate::glue::wait::WaitQueue;
    use crate::kunit::pages::{self, Kind, HALF, INTERRUPTING, MEMORY, SYNCHRONOUS, UNREADABLE};
    use crate::movers::drain;
    use crate::tiers::disk::Allocating;
    use crate::tiers::transfer::{self, BufferTransfer, Failed};
    use kernel::prelude::*;

    /// The first slot of the half that fails.
    const BAD: u32 = 1024;

    fn state(device: &Device, path: &CStr) -> Result<State> {
        let _paths = Paths::new();
        let entered = device.disks().find(path).ok_or(ENOENT)?;
        let state = entered.disk().health().state();
        Ok(state)
    }

    /// Writes pages to those slots of a disk.
    fn write(device: &Device, path: &CStr, buffer: Buffer, slots: &[u32]) -> Result<Failed> {
        let _paths = Paths::new();
        let entered = device.disks().find(path).ok_or(ENOENT)?;
        let mut transfer = BufferTransfer::write(device.reserves(), buffer);
        for (index, slot) in slots.iter().enumerate() {
            transfer.add(index, &entered, PhysicalSlot::new(*slot));
        }
        Ok(transfer.wait().1)
    }

    /// Reads them.
    fn read(device: &Device, path: &CStr, slots: &[u32]) -> Result<(Buffer, Failed)> {
        let _paths = Paths::new();
        let entered = device.disks().find(path).ok_or(ENOENT)?;
        let buffer = Buffer::new(slots.len())?;
        let mut transfer = BufferTransfer::read(device.reserves(), buffer);
        for (index, slot) in slots.iter().enumerate() {
            transfer.add(index, &entered, PhysicalSlot::new(*slot));
        }
        Ok(transfer.wait())
    }

    fn buffer(count: usize, seed: u64) -> Result<Buffer> {
        let mut buffer = Buffer::new(count)?;
        for index in 0..count {
            let page = buffer.page_mut(index).ok_or(EINVAL)?;
            pages::fill(page, Kind::Incompressible, seed + index as u64);
        }
        Ok(buffer)
    }

    fn at(disk: usize, slot: u32) -> Result<Place> {
        Ok(Place {
            disk: DiskNumber::new(disk).ok_or(EINVAL)?,
            slot: PhysicalSlot::new(slot),
        })
    }

    #[test]
    fn pages_get_to_their_slots_and_back() -> Result {
        for path in [MEMORY, SYNCHRONOUS, INTERRUPTING] {
            let device = pages::device_with(0, path)?;
            // More than a bio takes, with gaps and out of order.
            let mut slots = KVec::new();
            for index in 0..300u32 {
                slots.push(1 + index, GFP_KERNEL)?;
            }
            for slot in [900, 700, 701, 500] {
                slots.push(slot, GFP_KERNEL)?;
            }
            let failed = write(&device, path, buffer(slots.len(), 5)?, &slots)?;
            ensure!(failed.is_none());
            drop(failed);
            let (back, failed) = read(&device, path, &slots)?;
            ensure!(failed.is_none());
            for index in 0..slots.len() {
                let page = back.page(index).ok_or(EINVAL)?;
                ensure!(pages::is(page, Kind::Incompressible, 5 + index as u64));
            }
            ensure!(state(&device, path)? == State::Active);
        }
        Ok(())
    }

    #[test]
    fn a_transfer_is_under_way_while_its_owner_does_something_else() -> Result {
        let device = pages::device_with(0, INTERRUPTING)?;
        let _paths = Paths::new();
        let entered = device.disks().find(INTERRUPTING).ok_or(ENOENT)?;
        let mut first = BufferTransfer::write(device.reserves(), buffer(2, 1)?);
        let mut second = BufferTransfer::write(device.reserves(), buffer(2, 3)?);
        for transfer in [&mut first, &mut second] {
            ensure!(transfer.is_done());
        }
        for (index, slot) in [20, 21].into_iter().enumerate() {
            first.add(index, &entered, PhysicalSlot::new(slot));
            second.add(index, &entered, PhysicalSlot::new(slot + 2));
        }
        // They are not submitted, as they could still grow.
        ensure!(!first.is_done() && !second.is_done());
        first.submit();
        second.submit();
        let bell = KBox::pin_init(WaitQueue::new(), GFP_KERNEL)?;
        let are_done = || first.is_done() && second.is_done();
        for _ in 0..1000 {
            if !are_done() {
                bell.wait_timeout(10, || false);
            }
        }
        ensure!(are_done());
        ensure!(pages::is(
            first.page(1).ok_or(EINVAL)?,
            Kind::Incompressible,
            2
        ));
        for transfer in [first, second] {
            ensure!(transfer.wait().1.is_none());
        }
        let (back, failed) = read(&device, INTERRUPTING, &[20, 21, 22, 23])?;
        ensure!(failed.is_none());
        for index in 0..4 {
            let page = back.page(index).ok_or(EINVAL)?;
            ensure!(pages::is(page, Kind::Incompressible, 1 + index as u64));
        }
        Ok(())
    }

    #[test]
    fn the_reserves_stay_as_long_as_a_request() -> Result {
        let device = pages::device_with(0, INTERRUPTING)?;
        let _paths = Paths::new();
        let entered = device.disks().find(INTERRUPTING).ok_or(ENOENT)?;
        let reserves = transfer::reserves()?;
        let mut transfer = BufferTransfer::write(&reserves, buffer(1, 1)?);
        transfer.add(0, &entered, PhysicalSlot::new(20));
        let keeper = Keeper::new(transfer)?;
        let thread = Thread::start(c"vswap_kunit", keeper.clone())?;
        drop(reserves);
        ensure!(keeper.is_over.load(Ordering::Relaxed));
        drop(thread);
        Ok(())
    }

    #[test]
    fn a_transfer_without_pages_ends() -> Result {
        let device = pages::device_with(0, SYNCHRONOUS)?;
        let failed = write(&device, SYNCHRONOUS, buffer(1, 1)?, &[])?;
        ensure!(failed.is_none() && !failed.is_of(at(0, 0)?.disk));
        Ok(())
    }

    #[test]
    fn failed_pages_are_told_from_others() -> Result {
        let device = pages::device_with(0, HALF)?;
        let slots = [10, BAD + 6, 11, BAD + 8, BAD + 9, 12];
        let failed = write(&device, HALF, buffer(slots.len(), 1)?, &slots)?;
        ensure!(!failed.is_none());
        for slot in [10, 11, 12, BAD + 5, BAD + 7, BAD + 10] {
            ensure!(!failed.has(at(0, slot)?));
        }
        for slot in [BAD + 6, BAD + 8, BAD + 9] {
            ensure!(failed.has(at(0, slot)?));
            ensure!(failed.is_exactly(at(0, slot)?));
            ensure!(!failed.has(at(1, slot)?));
        }
        ensure!(failed.is_of(at(0, 0)?.disk) && !failed.is_of(at(1, 0)?.disk));
        Ok(())
    }

    #[test]
    fn a_good_bio_among_bad_ones_keeps_a_disk_in_service() -> Result {
        let device = pages::device_with(0, HALF)?;
        for _ in 0..3 {
            // Seven in a row are not enough.
            let bad = [0, 2, 4, 6, 8, 10, 12].map(|past| BAD + past);
            let failed = write(&device, HALF, buffer(bad.len(), 1)?, &bad)?;
            ensure!(!failed.is_none() && !failed.has(at(0, 20)?));
            drop(failed);
            ensure!(write(&device, HALF, buffer(1, 1)?, &[20])?.is_none());
        }
        ensure!(state(&device, HALF)? == State::Active);
        Ok(())
    }

    #[test]
    fn of_too_many_failures_the_disk_is_known() -> Result {
        let device = pages::device_with(0, HALF)?;
        let mut slots = [0; 10];
        for (place, slot) in (0u32..).zip(&mut slots) {
            *slot = BAD + 2 * place;
        }
        let failed = write(&device, HALF, buffer(slots.len(), 1)?, &slots)?;
        ensure!(!failed.is_none() && failed.is_of(at(0, 0)?.disk));
        // Any page of that disk may be one of them, but no slot is retired for that.
        ensure!(failed.has(at(0, 10)?) && !failed.is_exactly(at(0, 10)?));
        ensure!(!failed.has(at(1, slots[9])?) && !failed.is_of(at(1, 0)?.disk));
        let exactly = slots.iter().filter(|slot| {
            let place = at(0, **slot);
            place.is_ok_and(|place| failed.is_exactly(place))
        });
        ensure_eq!(exactly.count(), 8);
        drop(failed);
        ensure!(state(&device, HALF)? == State::Failed);
        // It no longer takes pages; they go elsewhere, or nowhere.
        ensure_eq!(
            pages::store(&device, 0, Kind::Incompressible, 1),
            Err(ENOSPC)
        );
        Ok(())
    }

    #[test]
    fn pages_that_a_disk_fails_to_take_go_elsewhere() -> Result {
        let device = pages::device_with(0, HALF)?;
        pages::add(&device, SYNCHRONOUS, -1)?;
        // Three clusters, one of which has its home in the bad half.
        for call in 0..48 {
            pages::store_run(&device, call * 32, 32, Kind::Incompressible, 1)?;
        }
        ensure!(device.counter(Counter::RetriedPages) > 0);
        ensure_eq!(device.counter(Counter::FailedStores), 0);
        for call in 0..48 {
            ensure!(pages::load_run(
                &device,
                call * 32,
                32,
                Kind::Incompressible,
                1
            )?);
            pages::free_run(&device, call * 32, 32);
        }
        ensure!(device.disks().sum(|disk| disk.bad()) > 0);
        device.sweep();
        pages::ensure_empty(&device)
    }

    #[test]
    fn pages_of_a_call_of_which_many_bios_fail_go_elsewhere() -> Result {
        let device = pages::device_with(0, HALF)?;
        pages::add(&device, SYNCHRONOUS, -1)?;
        // Both disks have only single free slots left, the first one bad ones.
        while let Some(mut run) = device.disks().allocate(&Allocating::Mover, 1) {
            let _ = run.take();
        }
        for path in [HALF, SYNCHRONOUS] {
            let _paths = Paths::new();
            let entered = device.disks().find(path).ok_or(ENOENT)?;
            for slot in (BAD..2 * BAD).filter(|slot| slot % 2 != 0) {
                entered.disk().free(PhysicalSlot::new(slot));
            }
        }
        pages::store_run(&device, 0, 32, Kind::Incompressible, 1)?;
        ensure_eq!(device.counter(Counter::FailedStores), 0);
        // Before the disk counts as failed.
        ensure!(device.counter(Counter::RetriedPages) > 8);
        ensure!(pages::load_run(&device, 0, 32, Kind::Incompressible, 1)?);
        // Those known to be bad.
        ensure_eq!(device.disks().sum(|disk| disk.bad()), 8 * 4096);
        Ok(())
    }

    #[test]
    fn pages_of_a_drain_that_a_disk_fails_to_take_go_elsewhere() -> Result {
        let device = pages::device_with(0, SYNCHRONOUS)?;
        pages::store_run(&device, 0, 32, Kind::Incompressible, 1)?;
        pages::add(&device, HALF, 10)?;
        pages::add(&device, INTERRUPTING, -1)?;
        {
            let _paths = Paths::new();
            let entered = device.disks().find(HALF).ok_or(ENOENT)?;
            // Only the bad half of it is left.
            while entered
                .disk()
                .allocate(&Allocating::Mover, 1, false)
                .is_some()
            {}
            for slot in BAD..2 * BAD {
                entered.disk().free(PhysicalSlot::new(slot));
            }
            drain::remove(&device, SYNCHRONOUS, false)?;
        }
        ensure_eq!(device.counter(Counter::DrainedPages), 32);
        ensure!(state(&device, HALF)? == State::Active);
        ensure!(pages::load_run(&device, 0, 32, Kind::Incompressible, 1)?);
        Ok(())
    }

    #[test]
    fn with_a_ram_tier_they_go_there() -> Result {
        let device = pages::device_with(64, HALF)?;
        let marks = device.ram().watermarks();
        ensure!(marks.set_low(1).is_ok() && marks.set_high(2).is_ok());
        let (mut calls, mut before) = (0, 0);
        while device.counter(Counter::RetriedPages) == 0 {
            pages::store_run(&device, calls * 32, 32, Kind::Incompressible, 1)?;
            calls += 1;
            ensure!(calls < 64);
            if device.counter(Counter::RetriedPages) == 0 {
                before = device.counter(Counter::RawSlots);
            }
        }
        ensure_eq!(
            device.counter(Counter::RawSlots) - before,
            device.counter(Counter::RetriedPages)
        );
        for call in 0..calls {
            ensure!(pages::load_run(
                &device,
                call * 32,
                32,
                Kind::Incompressible,
                1
            )?);
            pages::free_run(&device, call * 32, 32);
        }
        device.sweep();
        pages::ensure_empty(&device)
    }

    #[test]
    fn a_page_that_fits_nowhere_else_stays_in_memory() -> Result {
        let device = pages::device_with(0, HALF)?;
        let mut refused = 0;
        for call in 0..64 {
            match pages::store_run(&device, call * 32, 32, Kind::Incompressible, 1) {
                Ok(()) => {
                    ensure!(pages::load_run(
                        &device,
                        call * 32,
                        32,
                        Kind::Incompressible,
                        1
                    )?);
                }
                Err(_) => {
                    refused += 1;
                    for slot in [0, 1, 31] {
                        ensure_eq!(pages::read(&device, call * 32 + slot), Err(EIO));
                    }
                }
            }
        }
        ensure!(refused > 0);
        ensure_eq!(device.counter(Counter::FailedStores), refused * 32);
        Ok(())
    }

    #[test]
    fn a_failed_read_is_an_error_for_its_reader_alone() -> Result {
        let device = pages::device_with(0, UNREADABLE)?;
        pages::store_run(&device, 0, 4, Kind::Incompressible, 1)?;
        pages::store(&device, 4, Kind::Same, 1)?;
        for slot in 0..4 {
            ensure_eq!(pages::read(&device, slot), Err(EIO));
        }
        ensure!(pages::load(&device, 4, Kind::Same, 1)?);
        // The pages are still there, but can't be read.
        ensure_eq!(device.counter(Counter::DiskSlots), 4);
        Ok(())
    }
}
