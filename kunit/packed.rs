// SPDX-License-Identifier: GPL-2.0-only

//! Pages that stay compressed on a disk.

use kernel::macros::kunit_tests;

#[kunit_tests(vswap_packed)]
mod cases {
    use crate::device::Device;
    use crate::engine::counters::Counter;
    use crate::engine::segment::SEGMENT_BYTES;
    use crate::kunit::pages::{
        self, Kind, HALF, INTERRUPTING, KINDS, MEMORY, SYNCHRONOUS, UNREADABLE,
    };
    use crate::movers::writeback::write_back_older;
    use kernel::prelude::*;
    use kernel::sync::Arc;

    const CLUSTERS: u32 = 20;

    /// A device with a disk on which pages stay compressed.
    fn device(disk: &CStr) -> Result<Arc<Device>> {
        let device = pages::device(64)?;
        pages::add_packing(&device, disk)?;
        Ok(device)
    }

    /// The first slot of the pages of a kind in a cluster.
    fn first(cluster: u32, place: u32) -> u32 {
        cluster * 512 + place * 32
    }

    /// Stores pages of all kinds in several clusters.
    fn store(device: &Device) -> Result {
        for cluster in 0..CLUSTERS {
            for (place, kind) in (0..).zip(KINDS) {
                pages::store_run(device, first(cluster, place), 32, kind, 1)?;
            }
        }
        Ok(())
    }

    /// Whether those come back, in runs of so many.
    fn come_back(device: &Device, run: u32) -> Result<bool> {
        let mut right = true;
        for cluster in 0..CLUSTERS {
            for (place, kind) in (0..).zip(KINDS) {
                for slot in (0..32).step_by(run as usize) {
                    let slot = first(cluster, place) + slot;
                    right &= pages::load_run(device, slot, run, kind, 1)?;
                }
            }
        }
        Ok(right)
    }

    fn free_all(device: &Device) -> Result {
        pages::free_run(device, 0, CLUSTERS * 512);
        device.sweep();
        pages::ensure_empty(device)
    }

    #[test]
    fn pages_of_all_kinds_come_back() -> Result {
        for disk in [MEMORY, SYNCHRONOUS, INTERRUPTING] {
            let device = device(disk)?;
            store(&device)?;
            write_back_older(&device, 0)?;
            ensure_eq!(device.counter(Counter::RamSlots), 0);
            ensure_eq!(
                device.counter(Counter::PackedSlots),
                i64::from(CLUSTERS) * 32 * 2
            );
            for run in [32, 1, 8] {
                ensure!(come_back(&device, run)?);
            }
            free_all(&device)?;
        }
        Ok(())
    }

    #[test]
    fn a_run_is_read_with_its_segments_once() -> Result {
        let device = device(INTERRUPTING)?;
        pages::store_run(&device, 0, 32, Kind::Compressible, 1)?;
        write_back_older(&device, 0)?;
        let before = pages::read_from_disks(&device);
        ensure!(pages::load_run(&device, 0, 32, Kind::Compressible, 1)?);
        let read = pages::read_from_disks(&device) - before;
        // Page by page that would be twice 32 slots of 4096 bytes, or somewhat fewer.
        ensure!(read > 0 && read <= 2 * SEGMENT_BYTES as u64);
        pages::free_run(&device, 0, 32);
        device.sweep();
        pages::ensure_empty(&device)
    }

    #[test]
    fn a_page_is_read_with_its_slots_only() -> Result {
        let device = device(INTERRUPTING)?;
        store(&device)?;
        write_back_older(&device, 0)?;
        let before = pages::read_from_disks(&device);
        let clusters = [3, 17, 9, 1, 12, 6];
        for cluster in clusters {
            let slot = first(cluster, 2) + 7;
            ensure!(pages::load(&device, slot, Kind::Compressible, 1)?);
        }
        let read = pages::read_from_disks(&device) - before;
        ensure!(read <= clusters.len() as u64 * 2 * 4096);
        free_all(&device)
    }

    #[test]
    fn other_pages_are_stored_in_their_place() -> Result {
        let device = device(SYNCHRONOUS)?;
        for seed in 1..4 {
            pages::store_run(&device, 0, 32, Kind::Compressible, seed)?;
            write_back_older(&device, 0)?;
            ensure!(pages::load_run(&device, 0, 32, Kind::Compressible, seed)?);
            ensure_eq!(device.counter(Counter::PackedSlots), 32);
        }
        pages::free_run(&device, 0, 32);
        device.sweep();
        pages::ensure_empty(&device)
    }

    #[test]
    fn pages_whose_writes_fail_stay_in_memory() -> Result {
        let device = device(HALF)?;
        store(&device)?;
        for _ in 0..12 {
            // There may be no room in the end.
            let _ = write_back_older(&device, 0);
            ensure!(come_back(&device, 32)?);
        }
        ensure!(device.counter(Counter::PackedSlots) > 0);
        pages::free_run(&device, 0, CLUSTERS * 512);
        device.sweep();
        pages::ensure_empty(&device)
    }

    #[test]
    fn pages_that_have_no_room_stay_in_memory() -> Result {
        let device = device(SYNCHRONOUS)?;
        store(&device)?;
        let slots = (CLUSTERS * 512..).step_by(32).take(64);
        for slot in slots.clone() {
            pages::store_run(&device, slot, 32, Kind::Incompressible, 1)?;
        }
        ensure_eq!(write_back_older(&device, 0), Err(ENOSPC));
        ensure!(device.counter(Counter::PackedSlots) > 0);
        ensure!(device.counter(Counter::RamSlots) > 0);
        ensure!(come_back(&device, 32)?);
        for slot in slots {
            ensure!(pages::load_run(&device, slot, 32, Kind::Incompressible, 1)?);
            pages::free_run(&device, slot, 32);
        }
        free_all(&device)
    }

    #[test]
    fn what_can_not_be_read_is_an_error_and_can_be_freed() -> Result {
        let device = device(UNREADABLE)?;
        pages::store_run(&device, 0, 32, Kind::Compressible, 1)?;
        write_back_older(&device, 0)?;
        ensure_eq!(device.counter(Counter::PackedSlots), 32);
        ensure_eq!(pages::read(&device, 5), Err(EIO));
        ensure!(pages::load_run(&device, 0, 32, Kind::Compressible, 1).is_err());
        pages::free_run(&device, 0, 32);
        device.sweep();
        pages::ensure_empty(&device)
    }
}
