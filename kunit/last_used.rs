// SPDX-License-Identifier: GPL-2.0-only

//! The cluster that each CPU used last, when it is removed and its memory is reused.

use kernel::macros::kunit_tests;

#[kunit_tests(vswap_last_used)]
mod cases {
    use crate::device::Device;
    use crate::engine::counters::Counter;
    use crate::glue::kunit::{rcu_barrier, OnCpu};
    use crate::kunit::pages::{self, Kind};
    use kernel::prelude::*;

    /// How many look-ups missed the last used cluster during `done`.
    fn misses(device: &Device, done: impl FnOnce() -> Result) -> Result<i64> {
        let before = device.counter(Counter::MruMisses);
        done()?;
        Ok(device.counter(Counter::MruMisses) - before)
    }

    fn found(device: &Device, slot: u32, seed: u64) -> Result {
        ensure!(pages::load(device, slot, Kind::Same, seed)?);
        Ok(())
    }

    fn gone(device: &Device, slot: u32) -> Result {
        ensure_eq!(pages::read(device, slot), Err(EIO));
        Ok(())
    }

    #[test]
    fn each_cpu_remembers_its_own() -> Result {
        let device = pages::device(16)?;
        pages::store(&device, 0, Kind::Same, 1)?;
        pages::store(&device, 512, Kind::Same, 1)?;
        let read = |cpu, slot| {
            misses(&device, || {
                let _on = OnCpu::new(cpu)?;
                found(&device, slot, 1)
            })
        };
        read(0, 0)?;
        read(1, 512)?;
        ensure_eq!(read(0, 0)?, 0);
        ensure_eq!(read(1, 512)?, 0);
        ensure_eq!(read(0, 512)?, 1);
        ensure_eq!(read(1, 512)?, 0);
        ensure_eq!(read(0, 512)?, 0);
        Ok(())
    }

    #[test]
    fn a_cluster_that_went_is_not_found() -> Result {
        let device = pages::device(16)?;
        pages::store(&device, 0, Kind::Same, 1)?;
        for cpu in [0, 1] {
            let _on = OnCpu::new(cpu)?;
            found(&device, 0, 1)?;
        }
        {
            let _on = OnCpu::new(1)?;
            pages::free(&device, 0);
            device.sweep();
        }
        rcu_barrier();
        for cpu in [0, 1] {
            let _on = OnCpu::new(cpu)?;
            gone(&device, 0)?;
            // Freeing it, as for a page of zeros, does nothing either.
            pages::free(&device, 0);
        }
        ensure!(!device.sweep());
        pages::ensure_empty(&device)
    }

    #[test]
    fn memory_used_again_is_another_cluster() -> Result {
        let device = pages::device(16)?;
        for round in 1..40u32 {
            let (old, new) = (round * 512, (round + 1000) * 512);
            let seed = u64::from(round);
            let here = round % 2;
            {
                let _on = OnCpu::new(here)?;
                pages::store(&device, old, Kind::Same, seed)?;
                found(&device, old, seed)?;
            }
            {
                let _on = OnCpu::new(1 - here)?;
                pages::free(&device, old);
                device.sweep();
                if round % 3 == 0 {
                    rcu_barrier();
                }
                pages::store(&device, new, Kind::Same, seed)?;
            }
            {
                let _on = OnCpu::new(here)?;
                gone(&device, old)?;
                found(&device, new, seed)?;
                gone(&device, old)?;
                gone(&device, new + 1)?;
            }
            pages::free(&device, new);
            device.sweep();
        }
        pages::ensure_empty(&device)
    }

    #[test]
    fn a_cluster_that_begins_again_holds_nothing_of_before() -> Result {
        let device = pages::device(16)?;
        for round in 0..10 {
            let _on = OnCpu::new(round % 2)?;
            for slot in 0..16 {
                pages::store(&device, slot, Kind::Same, u64::from(round))?;
            }
            for slot in 0..16 {
                pages::free(&device, slot);
            }
            device.sweep();
            pages::store(&device, 3, Kind::Same, 7)?;
            for slot in (0..16).filter(|slot| *slot != 3) {
                gone(&device, slot)?;
            }
            // Marks of slots that were not in use are gone as well.
            pages::free(&device, 8);
            device.sweep();
            found(&device, 3, 7)?;
            pages::free(&device, 3);
            device.sweep();
            if round % 4 == 0 {
                rcu_barrier();
            }
        }
        pages::ensure_empty(&device)
    }
}
