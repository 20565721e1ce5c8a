// SPDX-License-Identifier: GPL-2.0-only

//! The cluster index: entries are put, looked up, freed, swept and moved.

use kernel::macros::kunit_tests;

#[kunit_tests(vswap_index)]
mod cases {
    use crate::device::Index;
    use crate::engine::config::{RamLimit, Size};
    use crate::engine::counters::Counter;
    use crate::engine::entry::{Content, DiskNumber, Place};
    use crate::engine::held::{HeldContent, Moving, Owned};
    use crate::engine::index::ages::{Taken, Which};
    use crate::engine::index::moves::Moved;
    use crate::engine::index::sweep::Swept;
    use crate::engine::index::{Found, Preference};
    use crate::engine::slot::{PhysicalSlot, Slot};
    use crate::engine::table::Change;
    use crate::glue::clock;
    use crate::glue::cpu::Pinned;
    use crate::glue::kunit::pinned;
    use crate::glue::memory::OwnedTable;
    use crate::glue::rcu::{self, Reader};
    use crate::kunit::pages::{self, Kind};
    use kernel::prelude::*;

    fn index() -> Result<Index> {
        Index::new().ok_or(ENOMEM)
    }

    fn same(word: u64) -> Result<Owned> {
        Owned::same(word).ok_or(EINVAL)
    }

    fn at(disk: usize, slot: u32) -> Result<Place> {
        Ok(Place {
            disk: DiskNumber::new(disk).ok_or(EINVAL)?,
            slot: PhysicalSlot::new(slot),
        })
    }

    /// The word of a same-filled page, if a slot holds one.
    fn word(index: &Index, slot: u32) -> Option<u64> {
        let (reader, slot) = (Reader::new(), pinned(Slot::new(slot)));
        let (held, _) = index.load(&Pinned::new(), &reader, &slot);
        match held.content() {
            Some(HeldContent::Same(word)) => Some(word),
            _ => None,
        }
    }

    /// Where a slot's page lies on a disk, if it does.
    fn place(index: &Index, slot: u32) -> Option<Place> {
        let (reader, slot) = (Reader::new(), pinned(Slot::new(slot)));
        let (held, _) = index.load(&Pinned::new(), &reader, &slot);
        match held.content() {
            Some(HeldContent::Disk(place)) => Some(place),
            _ => None,
        }
    }

    fn is_empty(index: &Index, slot: u32) -> bool {
        let (reader, slot) = (Reader::new(), pinned(Slot::new(slot)));
        let (held, _) = index.load(&Pinned::new(), &reader, &slot);
        matches!(held.content(), Some(HeldContent::Empty))
    }

    fn put(index: &Index, slot: u32, entry: Owned) -> Result<(Option<Content>, Change)> {
        let replaced = index
            .put(&Pinned::new(), Slot::new(slot), entry)
            .map_err(|_| ENOMEM)?;
        Ok((replaced.old.content(), replaced.change))
    }

    /// Lets a mover start with a slot, regardless of its age.
    fn start(index: &Index, slot: u32) -> Option<Moving> {
        let slot = Slot::new(slot);
        let mut started = None;
        let which = Which::StoredBy(u32::MAX);
        let cpu = Pinned::new();
        index.start_moves(&cpu, slot.cluster(), which, &[slot], |moving| {
            started = Some(moving);
        });
        started
    }

    /// Sweeps all; returns how many slots were in use, and how many clusters were removed.
    fn sweep(index: &Index) -> (usize, i64) {
        let (mut slots, mut clusters) = (0, 0);
        let mut swept = Swept::NONE;
        let mut from = 0;
        while let Some(number) = index.freed(from) {
            index.sweep(number, &mut swept, |_, swept| {
                slots += swept.slots();
                clusters -= swept.clusters.all;
                while swept.next().is_some() {}
            });
            from = number.index() + 1;
        }
        (slots, clusters)
    }

    #[test]
    fn an_entry_is_found_where_it_was_put() -> Result {
        let index = index()?;
        // Both ends of a cluster, the next one, one far away, and the very last slot.
        let slots = [0, 511, 512, 1 << 20, u32::MAX];
        for slot in slots {
            ensure!(is_empty(&index, slot));
            ensure_eq!(
                put(&index, slot, same(u64::from(slot))?)?,
                (Some(Content::Empty), Change::Filled)
            );
        }
        for slot in slots {
            ensure_eq!(word(&index, slot), Some(u64::from(slot)));
        }
        for slot in [1, 510, 513, u32::MAX - 1] {
            ensure!(is_empty(&index, slot));
        }
        Ok(())
    }

    #[test]
    fn a_second_entry_replaces_the_first() -> Result {
        let index = index()?;
        put(&index, 7, same(1)?)?;
        ensure_eq!(
            put(&index, 7, same(2)?)?,
            (Some(Content::Same(1)), Change::Replaced)
        );
        ensure_eq!(word(&index, 7), Some(2));
        Ok(())
    }

    #[test]
    fn a_freed_slot_is_given_up_with_the_sweep() -> Result {
        let index = index()?;
        put(&index, 3, same(3)?)?;
        put(&index, 4, same(4)?)?;
        ensure!(index.mark_freed(&Pinned::new(), Slot::new(3)).is_first);
        ensure!(!index.mark_freed(&Pinned::new(), Slot::new(3)).is_first);
        ensure_eq!(word(&index, 3), Some(3));
        ensure_eq!(sweep(&index), (1, 0));
        ensure!(is_empty(&index, 3));
        ensure_eq!(word(&index, 4), Some(4));
        ensure_eq!(sweep(&index), (0, 0));
        // The last slot removes the cluster.
        ensure!(index.mark_freed(&Pinned::new(), Slot::new(4)).is_first);
        ensure_eq!(sweep(&index), (1, 1));
        ensure!(is_empty(&index, 4));
        ensure!(index.overview(&Pinned::new(), 0).is_none());
        Ok(())
    }

    #[test]
    fn slots_of_all_parts_of_a_cluster_are_swept() -> Result {
        let index = index()?;
        for slot in 512..1024 {
            put(&index, slot, same(1)?)?;
        }
        for slot in (512..1024).filter(|slot| slot % 3 == 0) {
            index.mark_freed(&Pinned::new(), Slot::new(slot));
        }
        ensure_eq!(sweep(&index), (171, 0));
        for slot in 512..1024 {
            ensure_eq!(is_empty(&index, slot), slot % 3 == 0);
        }
        Ok(())
    }

    #[test]
    fn a_slot_in_use_again_is_not_swept() -> Result {
        let index = index()?;
        put(&index, 9, same(1)?)?;
        index.mark_freed(&Pinned::new(), Slot::new(9));
        put(&index, 9, same(2)?)?;
        ensure_eq!(sweep(&index), (0, 0));
        ensure_eq!(word(&index, 9), Some(2));
        Ok(())
    }

    #[test]
    fn a_slot_that_was_never_stored_may_be_freed() -> Result {
        let index = index()?;
        // Without a cluster, and in one that exists.
        ensure!(!index.mark_freed(&Pinned::new(), Slot::new(1)).is_first);
        put(&index, 2, same(2)?)?;
        index.mark_freed(&Pinned::new(), Slot::new(1));
        ensure_eq!(sweep(&index), (0, 0));
        ensure_eq!(word(&index, 2), Some(2));
        Ok(())
    }

    #[test]
    fn emptying_the_last_slot_ends_the_cluster() -> Result {
        let index = index()?;
        put(&index, 20, same(1)?)?;
        put(&index, 21, same(2)?)?;
        let replaced = index.empty(&Pinned::new(), Slot::new(20));
        ensure_eq!(replaced.old.content(), Some(Content::Same(1)));
        ensure_eq!(replaced.clusters.all, 0);
        let replaced = index.empty(&Pinned::new(), Slot::new(21));
        ensure_eq!(replaced.clusters.all, -1);
        ensure!(index.empty(&Pinned::new(), Slot::new(21)).old.is_empty());
        // And another cluster of that number may begin.
        put(&index, 21, same(3)?)?;
        ensure_eq!(word(&index, 21), Some(3));
        ensure!(is_empty(&index, 20));
        Ok(())
    }

    #[test]
    fn a_cluster_is_whole_as_long_as_its_pages_lie_so() -> Result {
        let index = index()?;
        // Physical cluster 3, at their own offsets.
        put(&index, 5, Owned::disk(at(1, 3 * 512 + 5)?))?;
        put(&index, 6, Owned::disk(at(1, 3 * 512 + 6)?))?;
        ensure!(index.home(&Pinned::new(), Slot::new(5).cluster()).is_some());
        ensure!(matches!(
            index.preference(&Pinned::new(), Slot::new(9)),
            Preference::Home(_)
        ));
        ensure_eq!(place(&index, 6), Some(at(1, 3 * 512 + 6)?));
        ensure!(place(&index, 7).is_none());
        // A page elsewhere needs a table, which keeps the others as they were.
        put(&index, 7, Owned::disk(at(1, 4 * 512 + 7)?))?;
        ensure!(index.home(&Pinned::new(), Slot::new(5).cluster()).is_none());
        ensure_eq!(place(&index, 5), Some(at(1, 3 * 512 + 5)?));
        ensure_eq!(place(&index, 7), Some(at(1, 4 * 512 + 7)?));
        // And no table when it is back home.
        put(&index, 7, Owned::disk(at(1, 3 * 512 + 7)?))?;
        let table = index.collapse(&Pinned::new(), Slot::new(5).cluster());
        ensure!(table.is_some());
        rcu::synchronize();
        drop(table.map(|table| table.after_readers()));
        ensure!(index.home(&Pinned::new(), Slot::new(5).cluster()).is_some());
        ensure_eq!(place(&index, 7), Some(at(1, 3 * 512 + 7)?));
        ensure!(place(&index, 8).is_none());
        Ok(())
    }

    #[test]
    fn a_mover_exchanges_only_what_it_saw() -> Result {
        let index = index()?;
        let (old, new) = (at(0, 512 + 9)?, at(1, 40)?);
        put(&index, 9, Owned::disk(old))?;
        // A whole cluster can't hold it without a table.
        let moved = index.exchange(
            &Pinned::new(),
            Slot::new(9),
            old,
            Owned::disk(new),
            &mut None,
        );
        ensure!(matches!(moved, Moved::NeedsTable(_)));
        let mut spare = OwnedTable::wait();
        let moved = index.exchange(
            &Pinned::new(),
            Slot::new(9),
            old,
            Owned::disk(new),
            &mut spare,
        );
        ensure!(matches!(moved, Moved::Done { .. }));
        ensure_eq!(place(&index, 9), Some(new));
        // Too late: the page lies elsewhere by now, or the slot is not in use.
        let moved = index.exchange(
            &Pinned::new(),
            Slot::new(9),
            old,
            Owned::disk(old),
            &mut None,
        );
        ensure!(matches!(moved, Moved::TooLate { .. }));
        let moved = index.exchange(
            &Pinned::new(),
            Slot::new(700),
            old,
            Owned::disk(old),
            &mut None,
        );
        ensure!(matches!(moved, Moved::TooLate { .. }));
        ensure_eq!(place(&index, 9), Some(new));
        Ok(())
    }

    #[test]
    fn a_moving_object_is_left_to_its_mover() -> Result {
        let device = pages::device(16)?;
        let index = device.index();
        // Overwritten, freed, and left alone while a mover has it.
        for slot in 0..3 {
            pages::store(&device, slot, Kind::Compressible, 1)?;
        }
        let start = |slot| start(index, slot).ok_or(EINVAL);
        let (over, freed, alone) = (start(0)?, start(1)?, start(2)?);
        ensure!(start(0).is_err());
        pages::store(&device, 0, Kind::Compressible, 2)?;
        pages::free(&device, 1);
        device.sweep();
        for (moving, late) in [(over, true), (freed, true)] {
            let word = same(5)?;
            match index.finish_move(&Pinned::new(), moving, word) {
                Moved::TooLate { new, old } => {
                    ensure!(late && matches!(old.content(), Some(Content::Ram(_))));
                    let cpu = Pinned::new();
                    device.release(&cpu, new, &[]);
                    device.release(&cpu, old, &[]);
                }
                _ => return Err(EINVAL),
            }
        }
        let left = index.abandon_move(&Pinned::new(), alone);
        ensure!(left.is_empty());
        // It can be moved again.
        let again = start(2)?;
        ensure!(index.abandon_move(&Pinned::new(), again).is_empty());
        ensure!(pages::load(&device, 0, Kind::Compressible, 2)?);
        ensure!(pages::load(&device, 2, Kind::Compressible, 1)?);
        ensure_eq!(pages::read(&device, 1), Err(EIO));
        for slot in [0, 2] {
            pages::free(&device, slot);
        }
        device.sweep();
        pages::ensure_empty(&device)
    }

    #[test]
    fn a_move_of_a_freed_slot_that_is_given_up_frees_its_object() -> Result {
        let device = pages::device(16)?;
        pages::store(&device, 1, Kind::Compressible, 1)?;
        let index = device.index();
        let moving = start(index, 1).ok_or(EINVAL)?;
        pages::free(&device, 1);
        device.sweep();
        ensure!(device.ram().pool_bytes() != 0);
        let left = index.abandon_move(&Pinned::new(), moving);
        ensure!(!left.is_empty());
        device.release(&Pinned::new(), left, &[]);
        pages::ensure_empty(&device)
    }

    /// The slots that a writer would take next, by number.
    fn coldest(index: &Index) -> Option<KVec<u32>> {
        loop {
            let (number, generation) = index.coldest()?;
            let mut slots = KVec::new();
            let which = Which::Of(generation);
            let taken = index.take(&Pinned::new(), number, which, |slot| {
                let _ = slots.push(slot.number(), GFP_ATOMIC);
            });
            if matches!(taken, Taken::Pages { .. }) {
                return Some(slots);
            }
        }
    }

    #[test]
    fn pages_are_taken_by_age() -> Result {
        let device = pages::device(16)?;
        let index = device.index();
        ensure!(coldest(index).is_none());
        // Clusters 0 and 1 are old, and 0 also gets a young page.
        for slot in [0..40, 512..552].into_iter().flatten() {
            pages::store(&device, slot, Kind::Compressible, 1)?;
        }
        index.begin_generation();
        index.begin_generation();
        for slot in [40..42, 1024..1064].into_iter().flatten() {
            pages::store(&device, slot, Kind::Compressible, 1)?;
        }
        let taken = coldest(index).ok_or(EINVAL)?;
        ensure!(taken.iter().copied().eq(0..40));
        let taken = coldest(index).ok_or(EINVAL)?;
        ensure!(taken.iter().copied().eq(512..552));
        // A page whose move was abandoned is found again; a page that a mover has is not.
        let (first, second) = (
            start(index, 512).ok_or(EINVAL)?,
            start(index, 513).ok_or(EINVAL)?,
        );
        ensure!(index.abandon_move(&Pinned::new(), first).is_empty());
        let taken = coldest(index).ok_or(EINVAL)?;
        ensure!(taken.len() == 39 && taken.first() == Some(&512));
        ensure!(index.abandon_move(&Pinned::new(), second).is_empty());
        let taken = coldest(index).ok_or(EINVAL)?;
        ensure!(taken.iter().copied().eq(512..552));
        // Of the young ones the cluster that yields more comes first.
        let taken = coldest(index).ok_or(EINVAL)?;
        ensure!(taken.iter().copied().eq(1024..1064));
        let taken = coldest(index).ok_or(EINVAL)?;
        ensure!(taken.iter().copied().eq(40..42));
        for slot in [0..42, 512..552, 1024..1064].into_iter().flatten() {
            pages::free(&device, slot);
        }
        device.sweep();
        pages::ensure_empty(&device)
    }

    #[test]
    fn clusters_without_pages_in_memory_are_never_chosen() -> Result {
        let device = pages::device(16)?;
        let index = device.index();
        for slot in 0..100 {
            pages::store(&device, slot * 512, Kind::Same, 1)?;
        }
        ensure!(index.coldest().is_none());
        pages::store(&device, 50 * 512 + 1, Kind::Compressible, 1)?;
        let (number, _) = index.coldest().ok_or(EINVAL)?;
        ensure_eq!(number.index(), 50);
        // A removed cluster is on no list.
        pages::free(&device, 50 * 512 + 1);
        for slot in 0..100 {
            pages::free(&device, slot * 512);
        }
        device.sweep();
        ensure!(index.coldest().is_none());
        pages::ensure_empty(&device)
    }

    #[test]
    fn incompressible_pages_come_before_others_of_their_age() -> Result {
        let device = pages::device(16)?;
        let index = device.index();
        for slot in 0..32 {
            pages::store(&device, slot, Kind::Compressible, 1)?;
        }
        for slot in 600..605 {
            pages::store(&device, slot, Kind::Incompressible, 1)?;
        }
        let taken = coldest(index).ok_or(EINVAL)?;
        ensure!(taken.iter().copied().eq(600..605));
        let taken = coldest(index).ok_or(EINVAL)?;
        ensure!(taken.iter().copied().eq(0..32));
        for slot in [0..32, 600..605].into_iter().flatten() {
            pages::free(&device, slot);
        }
        device.sweep();
        pages::ensure_empty(&device)
    }

    #[test]
    fn pages_stored_later_are_not_taken_by_their_cluster_s_age() -> Result {
        let device = pages::device(16)?;
        let index = device.index();
        pages::store(&device, 5, Kind::Compressible, 1)?;
        let before = clock::seconds().wrapping_sub(1);
        let number = Slot::new(5).cluster();
        let mut any = false;
        for (which, is_taken) in [
            (Which::StoredBy(before), false),
            (Which::StoredBy(clock::seconds()), true),
        ] {
            any = false;
            let taken = index.take(&Pinned::new(), number, which, |_| any = true);
            ensure_eq!(matches!(taken, Taken::Pages { .. }), is_taken);
            ensure_eq!(any, is_taken);
        }
        ensure!(any);
        pages::free(&device, 5);
        device.sweep();
        pages::ensure_empty(&device)
    }

    #[test]
    fn a_slot_that_holds_nothing_is_an_error_to_its_reader() -> Result {
        let device = pages::device(16)?;
        // In no cluster; in an existing one; after a sweep; when the cluster was removed.
        ensure_eq!(pages::read(&device, 5), Err(EIO));
        pages::store(&device, 4, Kind::Same, 1)?;
        ensure_eq!(pages::read(&device, 5), Err(EIO));
        pages::store(&device, 5, Kind::Compressible, 1)?;
        pages::free(&device, 5);
        ensure!(device.sweep());
        ensure_eq!(pages::read(&device, 5), Err(EIO));
        ensure!(pages::load(&device, 4, Kind::Same, 1)?);
        pages::free(&device, 4);
        ensure!(device.sweep());
        ensure_eq!(device.counter(Counter::Clusters), 0);
        ensure_eq!(pages::read(&device, 4), Err(EIO));
        pages::ensure_empty(&device)
    }

    #[test]
    fn remaining_entries_are_freed_with_the_device() -> Result {
        let size = Size::from_mib(1).map_err(|_| EINVAL)?;
        let limit = RamLimit::from_mib(16, u64::MAX).map_err(|_| EINVAL)?;
        let device = crate::device::Device::new(size, limit)?;
        for kind in pages::KINDS {
            pages::store(&device, kind as u32 * 512, kind, 1)?;
        }
        // KASAN and the slab and zsmalloc pools complain about anything left in them.
        drop(device);
        Ok(())
    }

    #[test]
    fn an_overview_tells_what_a_cluster_holds() -> Result {
        let device = pages::device(16)?;
        pages::store(&device, 512, Kind::Compressible, 1)?;
        pages::store(&device, 513, Kind::Same, 1)?;
        pages::store(&device, 2000, Kind::Same, 1)?;
        let cpu = Pinned::new();
        let first = device.index().overview(&cpu, 0).ok_or(EINVAL)?;
        ensure_eq!((first.number.index(), first.has_ram), (1, true));
        let second = device.index().overview(&cpu, 2).ok_or(EINVAL)?;
        ensure_eq!((second.number.index(), second.has_ram), (3, false));
        ensure!(device.index().overview(&cpu, 4).is_none());
        let mut used = 0;
        device.index().scan(&cpu, first.number, |_, content| {
            used += u32::from(content.is_some())
        });
        ensure_eq!(used, 2);
        Ok(())
    }

    #[test]
    fn a_look_up_says_how_it_was_answered() -> Result {
        let index = index()?;
        put(&index, 0, same(1)?)?;
        put(&index, 512, same(2)?)?;
        let cpu = Pinned::new();
        let find = |slot| {
            let reader = Reader::new();
            index.load(&cpu, &reader, &pinned(Slot::new(slot))).1
        };
        ensure!(find(0) == Found::Walked);
        ensure!(find(1) == Found::LastUsed);
        ensure!(find(512) == Found::Walked);
        ensure!(find(513) == Found::LastUsed);
        ensure!(find(0) == Found::Walked);
        Ok(())
    }
}
