// SPDX-License-Identifier: GPL-2.0-only

//! Writeback by the thread, and by a writer on request.

use kernel::macros::kunit_tests;

#[kunit_tests(vswap_writeback)]
mod cases {
    use crate::device::Device;
    use crate::engine::counters::Counter;
    use crate::glue::thread::Thread;
    use crate::kunit::pages::{self, Kind, INTERRUPTING, KINDS, MEMORY, SYNCHRONOUS};
    use crate::movers::writeback::{write_back_older, Background};
    use kernel::prelude::*;
    use kernel::sync::Arc;

    /// Fills the tier above its high watermark with compressible pages, from slot 0 on. Returns
    /// their number.
    fn fill(device: &Device) -> Result<u32> {
        let mut slot = 0;
        while !device.ram().is_above_high() {
            pages::store_run(device, slot, 32, Kind::Compressible, 1)?;
            slot += 32;
        }
        Ok(slot)
    }

    /// Lets the thread work until the tier is not above its high watermark.
    fn work(device: &Arc<Device>) -> Result {
        let thread = Thread::start(c"vswap_writeback", Background::new(device.clone())?)?;
        for _ in 0..600 {
            let seen = device.progress.now();
            if !device.ram().is_above_high() {
                break;
            }
            device.bell.wake();
            device.progress.wait(seen, 100);
        }
        drop(thread);
        ensure!(!device.ram().is_above_high());
        Ok(())
    }

    fn free_all(device: &Device, slots: u32) -> Result {
        pages::free_run(device, 0, slots);
        device.sweep();
        pages::ensure_empty(device)
    }

    #[test]
    fn pages_above_the_high_watermark_go_to_a_disk() -> Result {
        for disk in [MEMORY, SYNCHRONOUS, INTERRUPTING] {
            let device = pages::device_with(1, disk)?;
            let slots = fill(&device)?;
            work(&device)?;
            let written = device.counter(Counter::WrittenBackPages);
            ensure!(written > 0 && pages::on_disks(&device) > 0);
            ensure!(device.counter(Counter::RamSlots) > 0);
            // The oldest ones, and at most a few chunks more than the low watermark requires.
            ensure!(written < i64::from(slots) / 2 + 4 * 128);
            for slot in 0..slots {
                ensure!(pages::load(&device, slot, Kind::Compressible, 1)?);
            }
            free_all(&device, slots)?;
        }
        Ok(())
    }

    #[test]
    fn holes_are_closed_before_anything_is_written() -> Result {
        let device = pages::device_with(1, MEMORY)?;
        let slots = fill(&device)?;
        for slot in (0..slots).filter(|slot| slot % 4 != 0) {
            pages::free(&device, slot);
        }
        device.sweep();
        // They are scattered, so freeing them releases little memory.
        let before = device.ram().pool_bytes();
        device.ram().set_limit(pages::limit_of(before)?);
        ensure!(device.ram().is_above_high());
        work(&device)?;
        ensure!(device.ram().pool_bytes() < before / 2);
        ensure_eq!(device.counter(Counter::WrittenBackPages), 0);
        free_all(&device, slots)
    }

    #[test]
    fn pages_of_many_clusters_are_written_together_and_come_back() -> Result {
        for disk in [MEMORY, SYNCHRONOUS, INTERRUPTING] {
            let device = pages::device_with(16, disk)?;
            // One dense cluster, and many with a page of each kind.
            for slot in (0..512).step_by(32) {
                pages::store_run(&device, slot, 32, Kind::Compressible, 1)?;
            }
            for cluster in 1..300 {
                for (offset, kind) in (0..).zip(KINDS) {
                    pages::store(&device, cluster * 512 + offset, kind, 1)?;
                }
            }
            write_back_older(&device, 0)?;
            ensure_eq!(device.counter(Counter::RamSlots), 0);
            ensure_eq!(device.ram().pool_bytes(), 0);
            // A cluster whose pages all lie together needs no table.
            ensure_eq!(device.counter(Counter::WholeClusters), 1);
            for slot in 0..512 {
                ensure!(pages::load(&device, slot, Kind::Compressible, 1)?);
            }
            for cluster in 1..300 {
                for (offset, kind) in (0..).zip(KINDS) {
                    ensure!(pages::load(&device, cluster * 512 + offset, kind, 1)?);
                }
            }
            free_all(&device, 300 * 512)?;
        }
        Ok(())
    }

    #[test]
    fn a_cluster_that_goes_in_two_parts_is_whole_in_the_end() -> Result {
        let device = pages::device_with(16, MEMORY)?;
        for slot in (0..480).step_by(32) {
            pages::store_run(&device, slot, 32, Kind::Compressible, 1)?;
        }
        write_back_older(&device, 0)?;
        ensure_eq!(device.counter(Counter::WholeClusters), 1);
        pages::store_run(&device, 480, 32, Kind::Compressible, 1)?;
        ensure_eq!(device.counter(Counter::WholeClusters), 0);
        write_back_older(&device, 0)?;
        ensure_eq!(device.counter(Counter::WholeClusters), 1);
        for slot in 0..512 {
            ensure!(pages::load(&device, slot, Kind::Compressible, 1)?);
        }
        free_all(&device, 512)
    }
}
