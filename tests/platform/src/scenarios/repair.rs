// SPDX-License-Identifier: GPL-2.0-only

//! Pages that a disk failed to take are stored elsewhere.

use super::*;

worlds! {
    /// The cluster is whole, and the first slot of its home is bad.
    bad_whole: bad().holding(SECOND, B, Home(0));
}

tasks! {
    store: |world| { world.store(FIRST, A, Home(0)); read(world) };
}

scenarios! {
    a_page_is_not_written_while_its_disk_goes: bad, [store, remove] => [Some(A), None];
    a_page_is_not_written_while_its_disk_is_emptied:
        bad, [store, empty_to_the_other] => [Some(A), None];
    a_page_of_a_whole_cluster_is_not_written_while_its_disk_goes:
        bad_whole, [store, remove_to_the_other] => [Some(A), Some(B)];
    /// Too many pages fail to be recorded exactly: their slots are freed, and nothing
    /// stays in the bay until then.
    a_page_is_given_up_while_its_disk_goes:
        bad, [|world| world.give_up(FIRST, A, Disk(0)), remove_to_the_other] => [None, None];
    /// The other slot goes to the disk, and the cluster is whole for a moment.
    a_page_is_not_written_while_its_cluster_collapses:
        || bad().holding(SECOND, B, Ram), [store, collapse] => [Some(A), Some(B)];
    /// Another slot is read while the failed page spreads the cluster.
    another_slot_is_read_while_a_page_is_not_written:
        bad_whole, [store, read_the_other] => [Some(A), Some(B)];
}
