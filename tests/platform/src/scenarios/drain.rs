// SPDX-License-Identifier: GPL-2.0-only

//! Pages go elsewhere from a disk that is removed while their slots are used.

use super::*;
use crate::world::disk::Disk;

fn to_the_other(world: &World) {
    world.mover().remove(0, To::Disk(1), false);
}

fn the_other(world: &World) {
    world.mover().remove(1, To::Ram, false);
}

fn on_disk_with_room() -> World {
    in_table(World::new(3, &[None]))
}

/// The first slot is on the first disk. On the other one its place is taken.
fn taken() -> World {
    let world = World::new(2, &[None, None]);
    world.store_on_disk(SECOND, B, 1, At::Any);
    world.store_on_disk(FIRST, A, 0, At::Any);
    world
}

scenarios! {
    a_slot_is_read_while_its_disk_goes: on_disk, [read, remove] => [Some(A), None];
    a_slot_is_read_while_its_page_goes_to_another_disk:
        on_disk, [
            read_and_free,
            |world| { world.mover().remove(0, To::Disk(1), false); },
        ] => [None, None];
    a_slot_is_read_while_its_page_goes_to_another_place:
        taken, [read, to_the_other] => [Some(A), Some(B)];
    /// The drained place is reused when the disk is in service again.
    a_slot_is_read_while_its_place_is_used_again:
        on_disk, [
            read,
            |world| {
                world.mover().remove(0, To::Ram, true);
                world.store_on_disk(SECOND, B, 0, At::Any);
            },
        ] => [Some(A), Some(B)];
    /// The same with a store that does not wait for the drain.
    a_slot_is_read_while_another_is_stored:
        on_disk, [
            read,
            |world| world.mover().remove(0, To::Ram, true),
            |world| world.store_on_disk(SECOND, B, 0, At::Any),
        ] => [Some(A), Some(B)];
    a_slot_is_freed_while_its_disk_goes: on_disk, [free, remove] => [None, None];
    a_slot_is_freed_and_stored_again:
        on_disk, [
            |world| { world.free(FIRST); world.store_on_disk(FIRST, B, 0, At::Any); },
            |world| world.mover().remove(0, To::Ram, true),
        ] => [Some(B), None];
    a_slot_is_freed_and_stored_elsewhere:
        on_disk, [
            |world| { world.free(FIRST); world.store_on_disk(FIRST, B, 1, At::Any); },
            |world| world.mover().remove(0, To::Disk(1), false),
        ] => [Some(B), None];
    a_slot_is_overwritten_while_its_disk_goes:
        on_disk, [|world| world.store_on_disk(FIRST, B, 0, At::Any), remove] => [Some(B), None];
    /// The entry is in the table before the page is written.
    a_slot_is_stored_while_the_disk_goes:
        || World::new(2, &[None]), [
            |world| { world.store_on_disk(FIRST, A, 0, At::Any); read(world); },
            remove,
        ] => [Some(A), None];
    a_slot_is_written_back_while_the_disk_goes: in_ram, [remove, write_back] => [Some(A), None];
    a_slot_is_written_back_and_freed_while_the_disk_goes:
        in_ram, [free, remove, write_back] => [None, None];
    /// Pages that went to the other disk must move on.
    a_slot_is_read_while_both_disks_go: on_disk, [read, to_the_other, the_other] => [Some(A), None];
    a_slot_is_freed_while_both_disks_go:
        on_disk, [free, to_the_other, the_other] => [None, None];
    /// A page that goes to the ram tier is written back to the other disk.
    a_slot_is_read_while_its_page_is_moved_twice:
        on_disk, [
            read_and_free,
            remove,
            |world| { world.mover().write_back(FIRST, 1, At::Any); },
        ] => [None, None];
    /// A page that goes to the ram tier is compressed anew there.
    a_slot_is_read_while_its_page_is_moved_and_recompressed:
        on_disk_with_room, [read_and_free, remove, recompress] => [None, None];
    /// Another disk gets the bay: the freed slot was never one of its slots.
    a_slot_is_freed_while_another_disk_comes:
        || in_table(World::new(2, &[None])), [
            free,
            |world| { remove(world); world.add(0, Disk::few(None)); world.store_on_disk(SECOND, B, 0, At::Any); },
        ] => [None, Some(B)];
    a_slot_is_read_while_another_disk_comes:
        || in_table(World::new(2, &[None])), [
            read,
            |world| {
                remove(world);
                world.add(0, Disk::few(None));
                world.store_on_disk(SECOND, B, 0, At::Any);
                write_back(world);
            },
        ] => [Some(A), Some(B)];
}
