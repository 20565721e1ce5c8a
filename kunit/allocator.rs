// SPDX-License-Identifier: GPL-2.0-only

//! Each CPU's current cluster of a disk, when CPUs go offline and come back.

use kernel::macros::kunit_tests;

#[kunit_tests(vswap_allocator)]
mod cases {
    use crate::device::Device;
    use crate::engine::claims::Slots;
    use crate::engine::counters::Counter;
    use crate::engine::entry::{Content, DiskNumber, Place};
    use crate::engine::slot::{PhysicalCluster, PhysicalSlot, Slot};
    use crate::glue::cpu::Pinned;
    use crate::glue::kunit::{Offline, OnCpu};
    use crate::kunit::pages::{self, Kind, INTERRUPTING, SYNCHRONOUS};
    use crate::tiers::disk::Allocating;
    use kernel::prelude::*;

    /// The physical cluster that a slot's page lies in, if it is on a disk.
    fn cluster_of(device: &Device, slot: u32) -> Option<PhysicalCluster> {
        let (slot, mut found) = (Slot::new(slot), None);
        device
            .index()
            .scan(&Pinned::new(), slot.cluster(), |at, content| {
                if let (true, Some(Content::Disk(place))) = (at == slot, content) {
                    found = Some(place.slot.cluster());
                }
            });
        found
    }

    /// The most pages in a call.
    const CALL: u32 = 32;

    /// Stores pages from that CPU. With a ram tier they go where the CPU's current cluster is.
    fn store_from(device: &Device, cpu: u32, first: u32, count: u32) -> Result {
        let _on = OnCpu::new(cpu)?;
        for past in (0..count).step_by(CALL as usize) {
            let pages = CALL.min(count - past);
            pages::store_run(device, first + past, pages, Kind::Incompressible, 1)?;
        }
        Ok(())
    }

    /// Reads and frees them.
    fn end_with(device: &Device, first: u32, count: u32) -> Result {
        for past in (0..count).step_by(CALL as usize) {
            let pages = CALL.min(count - past);
            ensure!(pages::load_run(
                device,
                first + past,
                pages,
                Kind::Incompressible,
                1
            )?);
            pages::free_run(device, first + past, pages);
        }
        Ok(())
    }

    #[test]
    fn cpus_have_clusters_of_their_own() -> Result {
        let device = pages::device_with(16, SYNCHRONOUS)?;
        device.ram().set_limit(pages::no_room()?);
        store_from(&device, 0, 0, 8)?;
        store_from(&device, 1, 1000, 8)?;
        store_from(&device, 0, 8, 8)?;
        let (mine, other) = (cluster_of(&device, 0), cluster_of(&device, 1000));
        ensure!(mine.is_some() && other.is_some() && mine != other);
        for slot in 0..16 {
            ensure_eq!(cluster_of(&device, slot), mine);
        }
        for slot in 1000..1008 {
            ensure_eq!(cluster_of(&device, slot), other);
        }
        Ok(())
    }

    #[test]
    fn a_slot_that_is_taken_is_not_claimed_and_stays_taken() -> Result {
        let device = pages::device_with(0, SYNCHRONOUS)?;
        let place = Place {
            disk: DiskNumber::new(0).ok_or(EINVAL)?,
            slot: PhysicalSlot::new(700),
        };
        let mut run = device.disks().claim(place).ok_or(EINVAL)?;
        ensure!(run.take().is_some_and(|(claimed, _)| claimed == place));
        drop(run);
        for _ in 0..3 {
            ensure!(device.disks().claim(place).is_none());
            ensure_eq!(pages::on_disks(&device), 1);
        }
        device.disks().free(&Pinned::new(), place);
        // A run that is dropped unused frees its slot.
        drop(device.disks().claim(place).ok_or(EINVAL)?);
        ensure_eq!(pages::on_disks(&device), 0);
        Ok(())
    }

    #[test]
    fn no_slot_is_lost_when_a_cpu_goes_offline() -> Result {
        let device = pages::device_with(16, SYNCHRONOUS)?;
        device.ram().set_limit(pages::no_room()?);
        let capacity = device.disks().room() / 4096;
        let capacity = u32::try_from(capacity)?;
        ensure_eq!(capacity, 2047);
        store_from(&device, 1, 0, 20)?;
        {
            let _off = Offline::new(1)?;
            ensure_eq!(OnCpu::new(1).map(drop), Err(EINVAL));
            store_from(&device, 0, 512, capacity - 20)?;
            ensure_eq!(device.disks().room(), 0);
            ensure_eq!(device.counter(Counter::DiskSlots), i64::from(capacity));
            // The next page must go to memory.
            device.ram().set_limit(pages::limit(16)?);
            store_from(&device, 0, 5000, 1)?;
            ensure_eq!(device.counter(Counter::RawSlots), 1);
        }
        for (first, count) in [(0, 20), (512, capacity - 20), (5000, 1)] {
            end_with(&device, first, count)?;
        }
        device.sweep();
        pages::ensure_empty(&device)
    }

    #[test]
    fn the_cluster_of_an_offline_cpu_is_used_and_counted() -> Result {
        let device = pages::device_with(16, SYNCHRONOUS)?;
        for round in 0..3 {
            let first = round * 4096;
            {
                let _on = OnCpu::new(1)?;
                for (slot, kind) in (first..).zip(pages::KINDS) {
                    pages::store(&device, slot, kind, 1)?;
                }
                pages::free(&device, first);
            }
            let _off = Offline::new(1)?;
            // What it remembers, has marked and has counted.
            device.sweep();
            ensure_eq!(pages::read(&device, first), Err(EIO));
            for (slot, kind) in (first..).zip(pages::KINDS).skip(1) {
                ensure!(pages::load(&device, slot, kind, 1)?);
                pages::free(&device, slot);
            }
            device.sweep();
            pages::ensure_empty(&device)?;
        }
        // It is back, and remembers a cluster that was removed meanwhile.
        let _on = OnCpu::new(1)?;
        ensure_eq!(pages::read(&device, 2 * 4096 + 1), Err(EIO));
        pages::store(&device, 1, Kind::Incompressible, 1)?;
        ensure!(pages::load(&device, 1, Kind::Incompressible, 1)?);
        Ok(())
    }

    /// How many slots each of two disks has in use.
    fn used(device: &Device) -> Result<[u64; 2]> {
        let mut used = [0; 2];
        for (number, used) in used.iter_mut().enumerate() {
            let number = DiskNumber::new(number).ok_or(EINVAL)?;
            let bay = device.disks().bay(number).ok_or(ENOENT)?;
            *used = bay.enter().ok_or(ENOENT)?.disk().used() / 4096;
        }
        Ok(used)
    }

    /// Claims slots for ever, `slots` at most, `want` at a time.
    fn take(device: &Device, who: &Allocating<'_>, slots: usize, want: usize) {
        for _ in 0..slots.checked_div(want).unwrap_or(0) {
            let Some(mut run) = device.disks().allocate(who, want) else {
                break;
            };
            while run.take().is_some() {}
        }
    }

    #[test]
    fn of_equal_disks_each_gets_half() -> Result {
        for want in [1, 16, 128] {
            let device = pages::device_with(0, SYNCHRONOUS)?;
            pages::add(&device, INTERRUPTING, 0)?;
            take(&device, &Allocating::Mover, 1024, want);
            ensure_eq!(used(&device)?, [512, 512]);
            take(&device, &Allocating::Store(&Pinned::new()), 1024, want);
            ensure_eq!(used(&device)?, [1024, 1024]);
            // The first one is full; the other has room.
            take(&device, &Allocating::Mover, 4096, want);
            ensure!(used(&device)?[1] > 2048);
        }
        Ok(())
    }

    #[test]
    fn of_equal_disks_each_gets_half_of_the_clusters() -> Result {
        let device = pages::device_with(0, SYNCHRONOUS)?;
        pages::add(&device, INTERRUPTING, 0)?;
        for cluster in 0..4 {
            pages::store_run(&device, cluster * 512 + 1, 32, Kind::Incompressible, 1)?;
        }
        ensure_eq!(device.counter(Counter::WholeClusters), 4);
        ensure_eq!(used(&device)?, [64, 64]);
        Ok(())
    }

    #[test]
    fn a_disk_of_higher_priority_is_used_up_though_its_room_is_in_pieces() -> Result {
        let device = pages::device_with(0, SYNCHRONOUS)?;
        pages::add(&device, INTERRUPTING, -1)?;
        take(&device, &Allocating::Mover, 2048, 1);
        let number = DiskNumber::new(0).ok_or(EINVAL)?;
        let slots = (512..1024).filter(|slot| slot % 2 == 0);
        for slot in slots.map(PhysicalSlot::new) {
            let bay = device.disks().bay(number).ok_or(ENOENT)?;
            bay.enter().ok_or(ENOENT)?.disk().free(slot);
        }
        let before = used(&device)?;
        for _ in 0..256 {
            take(&device, &Allocating::Mover, 16, 16);
        }
        ensure_eq!(used(&device)?, [before[0] + 256, before[1]]);
        take(&device, &Allocating::Mover, 16, 16);
        ensure_eq!(used(&device)?, [before[0] + 256, before[1] + 16]);
        Ok(())
    }
}
