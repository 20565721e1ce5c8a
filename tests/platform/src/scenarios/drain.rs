// SPDX-License-Identifier: GPL-2.0-only

//! Pages go elsewhere from a disk that is removed while their slots are used.

use super::*;
use crate::world::disk::Disk as Tier;

worlds! {
    /// The first slot is on the only disk, in a table.
    on_the_only_disk: in_table(World::new(2, &[None]));
}

tasks! {
    /// Another page takes a place on the first disk.
    store_the_other: |world| world.store(SECOND, B, Disk(0));
    /// Another disk gets the bay, and has a page.
    replace: |world| {
        remove(world);
        world.bays[0].fill(Tier::few(None).into());
        store_the_other(world);
    };
    free_and_store_on_the_other: |world| { free(world); world.store(FIRST, B, Disk(1)) };
    write_back_to_the_other: |world| world.mover().write_back(FIRST, Disk(1));
    store_and_read: |world| { world.store(FIRST, A, Disk(0)); read(world) };
}

scenarios! {
    a_slot_is_read_while_its_disk_goes: on_disk, [read, remove] => [Some(A), None];
    a_slot_is_read_while_its_page_goes_to_another_disk:
        on_disk, [read_and_free, remove_to_the_other] => [None, None];
    /// On the other disk its place is taken.
    a_slot_is_read_while_its_page_goes_to_another_place:
        || World::new(2, &[None, None]).holding(SECOND, B, Disk(1)).holding(FIRST, A, Disk(0)),
        [read, remove_to_the_other] => [Some(A), Some(B)];
    /// The drained place is reused when the disk is in service again.
    a_slot_is_read_while_its_place_is_used_again:
        on_disk, [read, |world| { empty(world); store_the_other(world) }] => [Some(A), Some(B)];
    /// The same with a store that does not wait for the drain.
    a_slot_is_read_while_another_is_stored:
        on_disk, [read, empty, store_the_other] => [Some(A), Some(B)];
    a_slot_is_freed_while_its_disk_goes: on_disk, [free, remove] => [None, None];
    a_slot_is_freed_and_stored_again:
        on_disk, [|world| { free(world); world.store(FIRST, B, Disk(0)) }, empty] => [Some(B), None];
    a_slot_is_freed_and_stored_elsewhere:
        on_disk, [free_and_store_on_the_other, remove_to_the_other] => [Some(B), None];
    a_slot_is_overwritten_while_its_disk_goes:
        on_disk, [|world| world.store(FIRST, B, Disk(0)), remove] => [Some(B), None];
    /// The entry is in the table before the page is written.
    a_slot_is_stored_while_the_disk_goes:
        || World::new(2, &[None]), [store_and_read, remove] => [Some(A), None];
    a_slot_is_written_back_while_the_disk_goes: in_ram, [remove, write_back] => [Some(A), None];
    a_slot_is_written_back_and_freed_while_the_disk_goes:
        in_ram, [free, remove, write_back] => [None, None];
    /// Pages that went to the other disk must move on.
    a_slot_is_read_while_both_disks_go:
        on_disk, [read, remove_to_the_other, remove_the_other] => [Some(A), None];
    a_slot_is_freed_while_both_disks_go:
        on_disk, [free, remove_to_the_other, remove_the_other] => [None, None];
    /// A page that goes to the ram tier is written back to the other disk.
    a_slot_is_read_while_its_page_is_moved_twice:
        on_disk, [read_and_free, remove, write_back_to_the_other] => [None, None];
    /// A page that goes to the ram tier is compressed anew there.
    a_slot_is_read_while_its_page_is_moved_and_recompressed:
        || in_table(World::new(3, &[None])), [read_and_free, remove, recompress] => [None, None];
    /// Another disk gets the bay: the freed slot was never one of its slots.
    a_slot_is_freed_while_another_disk_comes: on_the_only_disk, [free, replace] => [None, Some(B)];
    a_slot_is_read_while_another_disk_comes:
        on_the_only_disk, [read, |world| { replace(world); write_back(world) }] => [Some(A), Some(B)];
}
