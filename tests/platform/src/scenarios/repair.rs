// SPDX-License-Identifier: GPL-2.0-only

//! Pages that a disk failed to take are stored elsewhere.

use super::*;

fn bad() -> World {
    World::new(2, &[Some(0), None])
}

/// The cluster is whole, and the first slot of its home is bad.
fn bad_whole() -> World {
    let world = bad();
    world.store_on_disk(SECOND, B, 0, At::Home);
    world
}

fn store(world: &World) {
    world.store_on_disk(FIRST, A, 0, At::Home);
    read(world);
}

scenarios! {
    a_page_is_not_written_while_its_disk_goes: bad, [store, remove] => [Some(A), None];
    a_page_is_not_written_while_its_disk_is_emptied:
        bad, [store, |world| { world.mover().remove(0, To::Disk(1), true); }] => [Some(A), None];
    a_page_of_a_whole_cluster_is_not_written_while_its_disk_goes:
        bad_whole, [
            store,
            |world| { world.mover().remove(0, To::Disk(1), false); },
        ] => [Some(A), Some(B)];
    /// Too many pages fail to be recorded exactly: their slots are freed, and nothing
    /// stays in the bay until then.
    a_page_is_given_up_while_its_disk_goes:
        bad, [
            |world| world.give_up(FIRST, A),
            |world| world.mover().remove(0, To::Disk(1), false),
        ] => [None, None];
    /// The other slot goes to the disk, and the cluster is whole for a moment.
    a_page_is_not_written_while_its_cluster_collapses:
        || { let world = bad(); world.store_in_ram(SECOND, B); world }, [
            store,
            |world| { world.mover().write_back(SECOND, 0, At::Home); },
        ] => [Some(A), Some(B)];
    /// Another slot is read while the failed page spreads the cluster.
    another_slot_is_read_while_a_page_is_not_written:
        bad_whole, [store, |world| { assert_eq!(world.load(SECOND), B); }] => [Some(A), Some(B)];
}
