// SPDX-License-Identifier: GPL-2.0-only

//! A device: pages stored, read back, stored again and freed.

use kernel::macros::kunit_tests;

#[kunit_tests(vswap_device)]
mod cases {
    use crate::device::Device;
    use crate::engine::codec::Algorithm;
    use crate::engine::counters::Counter;
    use crate::engine::slot::Slot;
    use crate::glue::inode::Swappable;
    use crate::glue::kunit::Folios;
    use crate::kunit::pages::{self, Kind, INTERRUPTING, KINDS, MEMORY, SYNCHRONOUS};
    use kernel::prelude::*;

    /// Stores, reads and frees pages of each kind, one by one and in calls of 32, across clusters.
    fn round_trip(ram_mib: u64, disk: Option<&CStr>) -> Result {
        let device = pages::device(ram_mib)?;
        if let Some(disk) = disk {
            pages::add(&device, disk, 0)?;
        }
        round_trip_of(&device)
    }

    fn round_trip_of(device: &Device) -> Result {
        for (place, kind) in (0u32..).zip(KINDS) {
            let first = 2048 * place + 500;
            pages::store(device, first - 1, kind, 9)?;
            pages::store_run(device, first, 32, kind, 9)?;
            for slot in [first - 1, first, first + 11, first + 12, first + 31] {
                ensure!(pages::load(device, slot, kind, 9)?);
            }
        }
        for (place, kind) in (0u32..).zip(KINDS) {
            let first = 2048 * place + 500;
            ensure!(pages::load_run(device, first - 1, 1, kind, 9)?);
            ensure!(pages::load_run(device, first, 32, kind, 9)?);
            pages::free_run(device, first - 1, 33);
        }
        device.sweep();
        pages::ensure_empty(device)
    }

    #[test]
    fn pages_come_back_from_memory() -> Result {
        round_trip(64, None)
    }

    #[test]
    fn pages_come_back_from_a_disk_that_is_memory() -> Result {
        round_trip(0, Some(MEMORY))
    }

    #[test]
    fn pages_come_back_from_a_synchronous_disk() -> Result {
        round_trip(0, Some(SYNCHRONOUS))
    }

    #[test]
    fn pages_come_back_from_a_disk_that_interrupts() -> Result {
        round_trip(0, Some(INTERRUPTING))
    }

    #[test]
    fn pages_come_back_from_memory_and_a_disk() -> Result {
        round_trip(64, Some(INTERRUPTING))
    }

    #[test]
    fn pages_come_back_from_disks_that_protect_them() -> Result {
        for disk in [MEMORY, SYNCHRONOUS, INTERRUPTING] {
            for encrypt in [false, true] {
                let device = pages::device(0)?;
                pages::add_protected(&device, disk, encrypt)?;
                round_trip_of(&device)?;
            }
        }
        Ok(())
    }

    #[test]
    fn a_large_folio_goes_to_a_protected_disk_in_one_piece() -> Result {
        for (disk, encrypt) in [
            (SYNCHRONOUS, false),
            (SYNCHRONOUS, true),
            (INTERRUPTING, false),
            (INTERRUPTING, true),
        ] {
            let device = pages::device(0)?;
            pages::add_protected(&device, disk, encrypt)?;
            let mut folio = Folios::large(Slot::new(1024), 4)?;
            for index in 0..16u32 {
                let page = folio.page_mut(index as usize)?;
                pages::fill(page, Kind::Incompressible, 3 + 1024 + u64::from(index));
            }
            folio.store(&device)?;
            ensure_eq!(device.traffic().large, 16 * 4096);
            for index in 0..16 {
                folio.page_mut(index)?.fill(0);
            }
            folio.load(&device)?;
            for slot in 1024..1040 {
                ensure!(pages::load(&device, slot, Kind::Incompressible, 3)?);
            }
        }
        Ok(())
    }

    #[test]
    fn both_algorithms_are_read_at_any_time() -> Result {
        let device = pages::device(64)?;
        pages::store(&device, 1, Kind::Compressible, 1)?;
        device.set_algorithm(Algorithm::Zstd)?;
        pages::store(&device, 2, Kind::Compressible, 1)?;
        device.set_algorithm(Algorithm::Lz4)?;
        pages::store(&device, 3, Kind::Compressible, 1)?;
        for slot in 1..4 {
            ensure!(pages::load(&device, slot, Kind::Compressible, 1)?);
        }
        Ok(())
    }

    #[test]
    fn a_large_folio_comes_back_from_a_disk() -> Result {
        for disk in [MEMORY, INTERRUPTING] {
            let device = pages::device_with(0, disk)?;
            let mut folio = Folios::large(Slot::new(1024), 4)?;
            for index in 0..16u32 {
                let page = folio.page_mut(index as usize)?;
                pages::fill(page, Kind::Incompressible, 3 + 1024 + u64::from(index));
            }
            folio.store(&device)?;
            ensure_eq!(device.counter(Counter::DiskSlots), 16);
            for slot in 1024..1040 {
                ensure!(pages::load(&device, slot, Kind::Incompressible, 3)?);
            }
            for index in 0..16 {
                folio.page_mut(index)?.fill(0);
            }
            folio.load(&device)?;
            for index in 0..16u32 {
                let page = folio.page(index as usize)?;
                ensure!(pages::is(
                    page,
                    Kind::Incompressible,
                    3 + 1024 + u64::from(index)
                ));
            }
        }
        Ok(())
    }

    #[test]
    fn a_page_without_room_leaves_no_older_copy() -> Result {
        let device = pages::device(16)?;
        pages::store(&device, 9, Kind::Compressible, 1)?;
        device.ram().set_limit(pages::limit(0)?);
        ensure_eq!(pages::store(&device, 9, Kind::Compressible, 2), Err(ENOSPC));
        ensure_eq!(pages::read(&device, 9), Err(EIO));
        ensure_eq!(device.counter(Counter::FailedStores), 1);
        pages::ensure_empty(&device)
    }

    #[test]
    fn of_a_call_that_fails_no_page_is_stored() -> Result {
        let device = pages::device(16)?;
        pages::store_run(&device, 510, 4, Kind::Compressible, 1)?;
        device.ram().set_limit(pages::limit(0)?);
        let mut folios = Folios::new(Slot::new(510), 4)?;
        // Pages of one word need no room.
        for (index, kind) in [Kind::Same, Kind::Same, Kind::Same, Kind::Incompressible]
            .into_iter()
            .enumerate()
        {
            pages::fill(folios.page_mut(index)?, kind, 2);
        }
        ensure_eq!(folios.store(&device), Err(ENOSPC));
        for slot in 510..514 {
            ensure_eq!(pages::read(&device, slot), Err(EIO));
        }
        pages::ensure_empty(&device)
    }

    /// Two folios of one or more pages with the slots from 504 on.
    fn two_folios(order: u32, kind: Kind) -> Result<Folios> {
        let mut folios = Folios::with(Slot::new(504), 2, order)?;
        for index in 0..2usize << order {
            pages::fill(folios.page_mut(index)?, kind, index as u64);
        }
        Ok(folios)
    }

    /// An impossible call stores no page, and reports none as loaded.
    fn impossible_calls(ram_mib: u64, disk: Option<&CStr>, order: u32) -> Result {
        let device = pages::device(ram_mib)?;
        if let Some(disk) = disk {
            pages::add(&device, disk, 0)?;
        }
        for kind in [Kind::Same, Kind::Incompressible] {
            let mut how = 0;
            let mut spoilt = two_folios(order, kind)?;
            while spoilt.spoil(how) {
                ensure_eq!((how, spoilt.store(&device)), (how, Err(EIO)));
                for slot in 504..504 + (2 << order) {
                    ensure_eq!((how, pages::read(&device, slot)), (how, Err(EIO)));
                }
                device.sweep();
                pages::ensure_empty(&device)?;
                two_folios(order, kind)?.store(&device)?;
                spoilt = two_folios(order, kind)?;
                spoilt.spoil(how);
                ensure_eq!((how, spoilt.load(&device)), (how, Err(EIO)));
                pages::free_run(&device, 504, 2 << order);
                device.sweep();
                spoilt = two_folios(order, kind)?;
                how += 1;
            }
            ensure_eq!(how, 9);
        }
        Ok(())
    }

    #[test]
    fn impossible_calls_fail() -> Result {
        for order in [0, 2] {
            impossible_calls(16, None, order)?;
            for disk in [MEMORY, SYNCHRONOUS, INTERRUPTING] {
                impossible_calls(0, Some(disk), order)?;
            }
        }
        Ok(())
    }

    #[test]
    fn a_call_with_one_slot_that_holds_nothing_fails() -> Result {
        let device = pages::device(16)?;
        pages::store_run(&device, 0, 3, Kind::Same, 1)?;
        let mut folios = Folios::new(Slot::new(1), 3)?;
        ensure_eq!(folios.load(&device), Err(EIO));
        Ok(())
    }

    /// Stores to a freed slot before the sweep: the page gets the place that the old one had on the
    /// disk, so the cluster stays whole.
    fn stored_again(disk: &CStr) -> Result {
        let device = pages::device_with(0, disk)?;
        pages::store_run(&device, 0, 20, Kind::Incompressible, 1)?;
        ensure_eq!(device.counter(Counter::WholeClusters), 1);
        pages::free(&device, 3);
        pages::free(&device, 7);
        pages::store(&device, 3, Kind::Incompressible, 2)?;
        ensure_eq!(device.counter(Counter::WholeClusters), 1);
        ensure_eq!(device.counter(Counter::Clusters), 1);
        ensure_eq!(device.counter(Counter::DiskSlots), 20);
        ensure_eq!(pages::on_disks(&device), 20);
        // Without a free in between, as the swap core does when a page is dirty again.
        pages::store(&device, 4, Kind::Incompressible, 2)?;
        ensure_eq!(device.counter(Counter::WholeClusters), 1);
        ensure_eq!(pages::on_disks(&device), 20);
        device.sweep();
        ensure_eq!(pages::on_disks(&device), 19);
        for slot in 0..20 {
            match slot {
                7 => ensure_eq!(pages::read(&device, slot), Err(EIO)),
                3 | 4 => ensure!(pages::load(&device, slot, Kind::Incompressible, 2)?),
                _ => ensure!(pages::load(&device, slot, Kind::Incompressible, 1)?),
            }
        }
        for slot in 0..20 {
            pages::free(&device, slot);
        }
        device.sweep();
        pages::ensure_empty(&device)
    }

    #[test]
    fn stored_again_before_the_sweep_on_a_disk_that_is_memory() -> Result {
        stored_again(MEMORY)
    }

    #[test]
    fn stored_again_before_the_sweep_on_another_disk() -> Result {
        stored_again(SYNCHRONOUS)
    }

    /// As above, with nothing else in the cluster, which is removed and begins again.
    fn only_page_stored_again(disk: &CStr) -> Result {
        let device = pages::device_with(0, disk)?;
        for seed in 0..20 {
            pages::store(&device, 600, Kind::Incompressible, seed)?;
            ensure_eq!(device.counter(Counter::WholeClusters), 1);
            ensure_eq!(device.counter(Counter::Clusters), 1);
            ensure_eq!(pages::on_disks(&device), 1);
            ensure!(pages::load(&device, 600, Kind::Incompressible, seed)?);
            if seed % 2 == 0 {
                pages::free(&device, 600);
            }
        }
        pages::free(&device, 600);
        device.sweep();
        pages::ensure_empty(&device)
    }

    #[test]
    fn the_only_page_stored_again_on_a_disk_that_is_memory() -> Result {
        only_page_stored_again(MEMORY)
    }

    #[test]
    fn the_only_page_stored_again_on_another_disk() -> Result {
        only_page_stored_again(SYNCHRONOUS)
    }

    #[test]
    fn freed_slots_make_room_at_once() -> Result {
        let device = pages::device(1)?;
        let mut slot = 0;
        while pages::store(&device, slot, Kind::Incompressible, 1).is_ok() {
            slot += 1;
            ensure!(slot < 1000);
        }
        ensure!(slot > 200);
        for slot in 0..slot {
            pages::free(&device, slot);
        }
        // No sweep has run yet; the store sweeps itself.
        pages::store(&device, 5000, Kind::Incompressible, 1)?;
        ensure_eq!(device.counter(Counter::UsedSlots), 1);
        Ok(())
    }

    #[test]
    fn swapping_off_begins_the_count_of_events_anew() -> Result {
        let device = pages::device(16)?;
        pages::store(&device, 1, Kind::Compressible, 1)?;
        ensure!(pages::load(&device, 1, Kind::Compressible, 1)?);
        ensure_eq!(device.counter(Counter::RamLoads), 1);
        pages::free(&device, 1);
        device.deactivated();
        ensure_eq!(device.counter(Counter::RamLoads), 0);
        ensure_eq!(device.counter(Counter::Lookups), 0);
        pages::ensure_empty(&device)
    }
}
