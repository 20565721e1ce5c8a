// SPDX-License-Identifier: GPL-2.0-only

//! Readers, writers and movers at the same time.

use crate::device::Device;
use crate::engine::slot::Slot;
use crate::glue::kunit::{Folios, OnCpu};
use crate::glue::thread::{Stop, Thread, Work};
use crate::glue::wait::WaitQueue;
use crate::kunit::pages::{self, Kind};
use core::sync::atomic::{AtomicU64, Ordering};
use kernel::macros::kunit_tests;
use kernel::prelude::*;
use kernel::sync::Arc;

/// What a thread does over and over. Returns whether everything was right.
type Job = fn(&Device, u64) -> Result<bool>;

/// A thread that does a job on one CPU until it is dropped.
#[pin_data]
struct Busy {
    device: Arc<Device>,
    cpu: u32,
    job: Job,
    rounds: AtomicU64,
    wrong: AtomicU64,
    #[pin]
    bell: WaitQueue,
}

impl Work for Busy {
    fn bell(&self) -> &WaitQueue {
        &self.bell
    }

    fn wanted(&self) -> bool {
        true
    }

    fn run(&self, stop: &Stop) {
        let on = OnCpu::new(self.cpu);
        while !stop.requested() {
            let round = self.rounds.load(Ordering::Relaxed);
            if !matches!((self.job)(&self.device, round), Ok(true)) {
                self.wrong.fetch_add(1, Ordering::Relaxed);
            }
            self.rounds.store(round + 1, Ordering::Relaxed);
        }
        drop(on);
    }
}

/// A [`Busy`] thread.
struct Running {
    busy: Arc<Busy>,
    thread: Thread,
}

impl Running {
    fn new(device: &Arc<Device>, cpu: u32, job: Job) -> Result<Self> {
        let device = device.clone();
        let busy = Arc::pin_init(
            pin_init!(Busy {
                device,
                cpu,
                job,
                rounds: AtomicU64::new(0),
                wrong: AtomicU64::new(0),
                bell <- WaitQueue::new(),
            }),
            GFP_KERNEL,
        )?;
        let thread = Thread::start(c"vswap_kunit", busy.clone())?;
        Ok(Self { busy, thread })
    }

    /// Waits until it has done `rounds` more rounds.
    fn get_on(&self, rounds: u64) {
        let until = self.busy.rounds.load(Ordering::Relaxed) + rounds;
        while self.busy.rounds.load(Ordering::Relaxed) < until {
            self.busy.bell.wait_timeout(1, || false);
        }
    }

    /// Stops it. Returns how often something was wrong.
    fn end(self) -> u64 {
        drop(self.thread);
        self.busy.wrong.load(Ordering::Relaxed)
    }
}

/// Slots that are only read, while movers have them.
const READ: u32 = 96;

fn kind_of(slot: u32) -> Kind {
    match slot % 3 {
        0 => Kind::Same,
        1 => Kind::Compressible,
        _ => Kind::Incompressible,
    }
}

/// Reads one of the permanent slots.
fn read(device: &Device, round: u64) -> Result<bool> {
    let slot = u32::try_from(round % u64::from(READ))?;
    pages::load(device, slot * 11, kind_of(slot), 1)
}

/// Stores, reads and frees a cluster that no other thread uses.
fn churn(device: &Device, round: u64, base: u32) -> Result<bool> {
    let first = base + u32::try_from(round % 4)? * 512;
    let kind = kind_of(u32::try_from(round % 3)?);
    let mut folios = Folios::new(Slot::new(first), 4)?;
    for index in 0..4u32 {
        pages::fill(
            folios.page_mut(index as usize)?,
            kind,
            round + u64::from(first + index),
        );
    }
    folios.store(device)?;
    drop(folios);
    let mut right = true;
    for slot in first..first + 4 {
        right &= pages::load(device, slot, kind, round)?;
    }
    for slot in first..first + 4 {
        pages::free(device, slot);
    }
    device.sweep();
    for slot in first..first + 4 {
        right &= pages::read(device, slot) == Err(EIO);
    }
    Ok(right)
}

fn churn_here(device: &Device, round: u64) -> Result<bool> {
    churn(device, round, 1 << 14)
}

fn churn_there(device: &Device, round: u64) -> Result<bool> {
    churn(device, round, 1 << 15)
}

/// Fills the permanent slots.
fn fill(device: &Device) -> Result {
    for slot in 0..READ {
        pages::store(device, slot * 11, kind_of(slot), 1)?;
    }
    Ok(())
}

/// Frees them, and checks that nothing is left.
fn clear(device: &Device) -> Result {
    for slot in 0..READ {
        ensure!(pages::load(device, slot * 11, kind_of(slot), 1)?);
        pages::free(device, slot * 11);
    }
    device.sweep();
    pages::ensure_empty(device)
}

#[kunit_tests(vswap_readers)]
mod cases {
    use super::{churn_here, churn_there, clear, fill, read, Device, Ordering, Running};
    use crate::engine::counters::Counter;
    use crate::engine::entry::DiskNumber;
    use crate::engine::slot::PhysicalSlot;
    use crate::glue::kunit::Paths;
    use crate::glue::memory::Buffer;
    use crate::kunit::pages::{self, HALF, INTERRUPTING, MEMORY, SYNCHRONOUS, UNREADABLE};
    use crate::movers::{drain, recompress, writeback};
    use crate::tiers::transfer::BufferTransfer;
    use kernel::prelude::*;

    #[test]
    fn clusters_come_and_go_on_two_cpus() -> Result {
        let device = pages::device(32)?;
        fill(&device)?;
        let threads = [
            Running::new(&device, 0, churn_here)?,
            Running::new(&device, 1, churn_there)?,
            Running::new(&device, 1, read)?,
        ];
        for thread in &threads {
            thread.get_on(40);
        }
        for thread in threads {
            ensure_eq!(thread.end(), 0);
        }
        clear(&device)
    }

    #[test]
    fn pages_are_read_while_they_are_written_back_and_drained() -> Result {
        let device = pages::device(32)?;
        let threads = {
            fill(&device)?;
            [
                Running::new(&device, 0, read)?,
                Running::new(&device, 1, read)?,
                Running::new(&device, 1, churn_there)?,
            ]
        };
        for disk in [MEMORY, INTERRUPTING, SYNCHRONOUS, MEMORY] {
            pages::add(&device, disk, 0)?;
            writeback::write_back_older(&device, 0)?;
            for thread in &threads {
                thread.get_on(20);
            }
            let _paths = Paths::new();
            drain::remove(&device, disk, false)?;
        }
        ensure!(device.counter(Counter::WrittenBackPages) > 0);
        ensure!(device.counter(Counter::DrainedPages) > 0);
        for thread in threads {
            ensure_eq!(thread.end(), 0);
        }
        clear(&device)
    }

    #[test]
    fn pages_are_read_while_they_move_from_disk_to_disk() -> Result {
        let device = pages::device_with(0, MEMORY)?;
        fill(&device)?;
        let threads = [
            Running::new(&device, 0, read)?,
            Running::new(&device, 1, churn_there)?,
        ];
        for (to, from) in [
            (INTERRUPTING, MEMORY),
            (SYNCHRONOUS, INTERRUPTING),
            (MEMORY, SYNCHRONOUS),
        ] {
            pages::add(&device, to, 0)?;
            {
                let _paths = Paths::new();
                drain::remove(&device, from, false)?;
            }
            for thread in &threads {
                thread.get_on(20);
            }
        }
        for thread in threads {
            ensure_eq!(thread.end(), 0);
        }
        clear(&device)
    }

    #[test]
    fn pages_are_read_while_they_are_compressed_anew() -> Result {
        let device = pages::device(32)?;
        fill(&device)?;
        let threads = [
            Running::new(&device, 0, read)?,
            Running::new(&device, 1, churn_there)?,
        ];
        for _ in 0..3 {
            recompress::recompress_older(&device, 0)?;
            device.ram().compact();
            for thread in &threads {
                thread.get_on(20);
            }
        }
        ensure!(device.counter(Counter::RecompressedPages) > 0);
        for thread in threads {
            ensure_eq!(thread.end(), 0);
        }
        clear(&device)
    }

    fn empties_the_second_disk(device: &Device, _round: u64) -> Result<bool> {
        let number = DiskNumber::new(1).ok_or(EINVAL)?;
        device.disks().bay(number).ok_or(ENOENT)?.wait();
        Ok(true)
    }

    #[test]
    fn a_drain_waits_for_repairs_of_its_disk() -> Result {
        let device = pages::device_with(0, HALF)?;
        pages::add(&device, UNREADABLE, 0)?;
        let mut transfer = BufferTransfer::read(device.reserves(), Buffer::new(9)?);
        {
            let _paths = Paths::new();
            // More can't be told apart.
            let entered = device.disks().find(HALF).ok_or(ENOENT)?;
            for (index, slot) in (1024..).step_by(2).take(8).enumerate() {
                transfer.add(index, &entered, PhysicalSlot::new(slot));
            }
            let entered = device.disks().find(UNREADABLE).ok_or(ENOENT)?;
            transfer.add(8, &entered, PhysicalSlot::new(1));
        }
        let (_, failed) = transfer.wait();
        ensure!(failed.is_of(DiskNumber::new(1).ok_or(EINVAL)?));
        let waiting = Running::new(&device, 0, empties_the_second_disk)?;
        waiting.busy.bell.wait_timeout(200, || false);
        ensure_eq!(waiting.busy.rounds.load(Ordering::Relaxed), 0);
        drop(failed);
        waiting.get_on(1);
        ensure_eq!(waiting.end(), 0);
        Ok(())
    }
}
