// SPDX-License-Identifier: GPL-2.0-only

//! The limits, and what stops when they are reached.

use kernel::macros::kunit_tests;

#[kunit_tests(vswap_limits)]
mod cases {
    use crate::device::Device;
    use crate::engine::config::RamLimit;
    use crate::engine::counters::Counter;
    use crate::glue::clock;
    use crate::glue::pressure::Gives;
    use crate::glue::thread::{Stop, Thread, Work};
    use crate::glue::wait::WaitQueue;
    use crate::kunit::pages::{self, Kind, INTERRUPTING, SYNCHRONOUS};
    use crate::tiers::contexts::COMPRESSIONS;
    use core::sync::atomic::{AtomicU64, Ordering};
    use kernel::prelude::*;
    use kernel::sync::Arc;

    const FAR: u32 = 200_000;

    fn limit_to(device: &Device, bytes: u64) -> Result {
        let limit = RamLimit::from_bytes(bytes, u64::MAX).map_err(|_| EINVAL)?;
        device.ram().set_limit(limit);
        Ok(())
    }

    /// Stores pages from that slot on until one finds no room in memory. Returns its slot.
    fn fill(device: &Device, first: u32, kind: Kind) -> Result<u32> {
        for slot in first..first + 20_000 {
            let in_ram = device.counter(Counter::RamSlots);
            if pages::store(device, slot, kind, 1).is_err()
                || device.counter(Counter::RamSlots) == in_ram
            {
                return Ok(slot);
            }
        }
        Err(EINVAL)
    }

    fn compressions() -> u64 {
        COMPRESSIONS.load(Ordering::Relaxed)
    }

    /// Limits that are no multiple of a page, or of a zspage.
    const ODD: [u64; 4] = [(1 << 20) + 100, (1 << 20) + 8192, 3 << 19, 50_000];

    #[test]
    fn at_the_limit_nothing_is_compressed_in_vain() -> Result {
        for bytes in ODD {
            for kind in [Kind::Compressible, Kind::Incompressible, Kind::Word] {
                if kind == Kind::Word && bytes > 100_000 {
                    // There would be tens of thousands of them.
                    continue;
                }
                let device = pages::device(1)?;
                limit_to(&device, bytes)?;
                let end = fill(&device, 0, kind)?;
                ensure!(device.ram().is_full());
                ensure!(device.ram().pool_bytes() <= bytes);
                let before = compressions();
                for slot in FAR..FAR + 20 {
                    ensure_eq!(pages::store(&device, slot, kind, 1), Err(ENOSPC));
                }
                ensure_eq!(compressions(), before);
                // A freed page makes room for one; the length of a compressed page may vary.
                pages::free(&device, end / 2);
                let again = pages::store(&device, FAR, kind, 1);
                ensure!(again.is_ok() || kind == Kind::Compressible);
                let refused = fill(&device, FAR + 1, kind)?;
                ensure!(refused == FAR + 1 || kind == Kind::Compressible);
                let before = compressions();
                ensure_eq!(pages::store(&device, refused + 1, kind, 1), Err(ENOSPC));
                ensure_eq!(compressions(), before);
                ensure!(device.ram().pool_bytes() <= bytes);
                limit_to(&device, 2 * bytes)?;
                pages::store(&device, FAR + 1, kind, 1)?;
            }
        }
        Ok(())
    }

    #[test]
    fn below_a_lowered_limit_nothing_is_compressed_in_vain() -> Result {
        let device = pages::device(2)?;
        let end = fill(&device, 0, Kind::Compressible)?;
        limit_to(&device, 1 << 20)?;
        let before = compressions();
        for slot in 0..end / 4 {
            pages::free(&device, slot);
            ensure_eq!(
                pages::store(&device, FAR, Kind::Compressible, 1),
                Err(ENOSPC)
            );
        }
        ensure!(compressions() <= before + 1);
        Ok(())
    }

    #[test]
    fn at_the_limit_pages_of_one_word_do_not_wait() -> Result {
        let device = pages::device_with(1, SYNCHRONOUS)?;
        fill(&device, 0, Kind::Compressible)?;
        let before = device.counter(Counter::ThrottledStores);
        pages::store(&device, FAR, Kind::Same, 1)?;
        ensure_eq!(device.counter(Counter::ThrottledStores), before);
        ensure_eq!(device.counter(Counter::SameFilledSlots), 1);
        Ok(())
    }

    #[test]
    fn at_the_limit_pages_go_to_the_disk_as_they_are() -> Result {
        let device = pages::device_with(1, SYNCHRONOUS)?;
        fill(&device, 0, Kind::Compressible)?;
        let (before, on_disks) = (compressions(), pages::on_disks(&device));
        for slot in FAR..FAR + 20 {
            pages::store(&device, slot, Kind::Compressible, 1)?;
        }
        ensure_eq!(compressions(), before);
        ensure_eq!(pages::on_disks(&device), on_disks + 20);
        Ok(())
    }

    /// Nobody writes back here, so there is no progress.
    #[test]
    fn at_the_limit_a_task_waits_only_for_so_long() -> Result {
        let device = pages::device_with(1, SYNCHRONOUS)?;
        let end = fill(&device, 0, Kind::Compressible)?;
        let before = device.counter(Counter::ThrottledStores);
        let began = clock::seconds();
        for slot in FAR..FAR + 40 {
            pages::store(&device, slot, Kind::Compressible, 1)?;
        }
        let seconds = i64::from(clock::seconds() - began);
        ensure!(device.counter(Counter::ThrottledStores) - before <= 2 + 5 * (seconds + 1));
        ensure!(end > 100);
        Ok(())
    }

    #[test]
    fn nobody_waits_for_resting_writeback() -> Result {
        let device = pages::device_with(1, SYNCHRONOUS)?;
        device.rest_writeback(1000);
        fill(&device, 0, Kind::Compressible)?;
        for slot in FAR..FAR + 10 {
            pages::store(&device, slot, Kind::Compressible, 1)?;
        }
        ensure_eq!(device.counter(Counter::ThrottledStores), 0);
        Ok(())
    }

    #[test]
    fn the_daily_limit_is_never_exceeded() -> Result {
        for ram_mib in [0, 1] {
            let device = pages::device_with(ram_mib, INTERRUPTING)?;
            device.budget().set_limit(10 * 4096 + 1);
            let mut failed = 0;
            for slot in 0..1500 {
                failed += i64::from(pages::store(&device, slot, Kind::Incompressible, 1).is_err());
            }
            ensure_eq!(pages::on_disks(&device), 10);
            ensure_eq!(device.traffic().written, 10 * 4096);
            ensure!(failed > 1000);
            ensure_eq!(device.counter(Counter::FailedStores), failed);
            if ram_mib != 0 {
                ensure!(device.counter(Counter::RawSlots) > 200);
            }
            // Pages that need no room are stored as usual.
            pages::store(&device, FAR, Kind::Same, 1)?;
        }
        Ok(())
    }

    #[test]
    fn pages_without_room_on_a_disk_are_not_counted_for_the_limit() -> Result {
        let device = pages::device_with(0, SYNCHRONOUS)?;
        let pages = device.disks().room() / 4096;
        device.budget().set_limit((pages + 10) * 4096);
        for slot in 0..2100 {
            let _ = pages::store(&device, slot, Kind::Incompressible, 1);
        }
        ensure_eq!(pages::on_disks(&device), pages);
        ensure_eq!(device.budget().left(clock::seconds()), 10 * 4096);
        Ok(())
    }

    #[test]
    fn pages_that_do_not_compress_stay_in_memory_below_the_high_watermark() -> Result {
        let device = pages::device_with(1, INTERRUPTING)?;
        for slot in 0..200 {
            pages::store(&device, slot, Kind::Incompressible, 1)?;
        }
        ensure_eq!(device.counter(Counter::RawSlots), 200);
        ensure_eq!(pages::on_disks(&device), 0);
        for slot in 200..400 {
            pages::store(&device, slot, Kind::Incompressible, 1)?;
        }
        // 95 %.
        ensure!(device.counter(Counter::RawSlots) <= 244);
        ensure!(pages::on_disks(&device) >= 156);
        Ok(())
    }

    #[test]
    fn freed_slots_are_swept_when_memory_is_needed() -> Result {
        let device = pages::device(16)?;
        ensure_eq!(device.count(), 0);
        pages::store_run(&device, 0, 32, Kind::Incompressible, 1)?;
        pages::store_run(&device, 5000, 32, Kind::Incompressible, 1)?;
        ensure_eq!(device.count(), 0);
        ensure_eq!(device.scan(10), None);
        pages::free_run(&device, 0, 32);
        ensure!(device.count() >= 32);
        ensure_eq!(device.scan(1), Some(32));
        ensure_eq!(device.count(), 0);
        pages::free_run(&device, 5000, 32);
        ensure_eq!(device.last(), 32);
        ensure_eq!(device.last(), 0);
        pages::ensure_empty(&device)
    }

    #[test]
    fn with_a_disk_the_pool_is_there_when_memory_is_asked_for() -> Result {
        let device = pages::device_with(16, INTERRUPTING)?;
        pages::store_run(&device, 0, 32, Kind::Incompressible, 1)?;
        ensure_eq!(device.count(), 32);
        // That is a lot for a second, and too little to begin with.
        ensure_eq!(device.scan(10), Some(0));
        ensure_eq!(device.asked.pages(), 0);
        // Nothing may be written.
        device.budget().set_limit(4095);
        ensure_eq!(device.count(), 0);
        ensure_eq!(device.scan(10), None);
        device.budget().set_limit(0);
        device.rest_writeback(1000);
        ensure_eq!(device.scan(10), None);
        Ok(())
    }

    #[test]
    fn as_much_as_is_read_from_disks_is_not_asked_for() -> Result {
        let device = pages::device(16)?;
        pages::store_run(&device, 0, 32, Kind::Incompressible, 1)?;
        device.ram().set_limit(pages::limit(0)?);
        pages::add(&device, INTERRUPTING, 0)?;
        pages::store_run(&device, 1000, 20, Kind::Incompressible, 1)?;
        device.ram().set_limit(pages::limit(16)?);
        ensure_eq!(device.count(), 32);
        ensure!(pages::load_run(&device, 1000, 20, Kind::Incompressible, 1)?);
        ensure_eq!(device.count(), 12);
        ensure_eq!(device.count(), 32);
        for _ in 0..2 {
            ensure!(pages::load_run(&device, 1000, 20, Kind::Incompressible, 1)?);
        }
        ensure_eq!(device.count(), 0);
        ensure_eq!(device.count(), 24);
        Ok(())
    }

    /// A kernel thread that stores a page, once.
    #[pin_data]
    struct Storing {
        device: Arc<Device>,
        stored: AtomicU64,
        #[pin]
        bell: WaitQueue,
    }

    impl Work for Storing {
        fn bell(&self) -> &WaitQueue {
            &self.bell
        }

        fn wanted(&self) -> bool {
            self.stored.load(Ordering::Relaxed) == 0
        }

        fn run(&self, _: &Stop) {
            let stored = pages::store(&self.device, FAR, Kind::Compressible, 1);
            let result = if stored.is_ok() { 1 } else { 2 };
            self.stored.store(result, Ordering::Relaxed);
        }
    }

    #[test]
    fn no_thread_of_the_kernel_waits() -> Result {
        let device = pages::device_with(1, SYNCHRONOUS)?;
        fill(&device, 0, Kind::Compressible)?;
        let before = device.counter(Counter::ThrottledStores);
        let shared = device.clone();
        let storing = Arc::pin_init(
            pin_init!(Storing {
                device: shared,
                stored: AtomicU64::new(0),
                bell <- WaitQueue::new(),
            }),
            GFP_KERNEL,
        )?;
        let thread = Thread::start(c"vswap_kunit", storing.clone())?;
        let is_done = || !storing.wanted();
        while !storing.bell.wait_timeout(10, is_done) {}
        drop(thread);
        ensure_eq!(storing.stored.load(Ordering::Relaxed), 1);
        ensure_eq!(device.counter(Counter::ThrottledStores), before);
        Ok(())
    }
}
