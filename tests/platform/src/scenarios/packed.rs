// SPDX-License-Identifier: GPL-2.0-only

//! Pages stay compressed on a disk: they are packed, read, freed, cleaned and drained at the same time.

use super::*;

worlds! {
    /// The first slot is packed on the first disk, alone in its segment.
    packed: {
        let world = World::new(4, &[None, None]).holding(FIRST, A, Ram);
        pack(&world);
        world
    };
    /// Both slots are, in one segment.
    both: {
        let world = World::new(4, &[None, None]).holding(FIRST, A, Ram).holding(SECOND, B, Ram);
        world.mover().pack(&[FIRST, SECOND], 0);
        world
    };
    /// The first slot is packed, and the second keeps their cluster: no grace period is waited for when
    /// the first goes.
    beside: packed().holding(SECOND, B, Entry);
    /// The first slot is packed, and the second at its offset on the same disk.
    half_packed: packed().holding(SECOND, B, Home(0));
    /// The first slot is in memory, and what is packed first fails.
    bad_segment: World::new(3, &[Some(8)]).holding(FIRST, A, Ram);
}

tasks! {
    pack: |world| world.mover().pack(&[FIRST], 0);
    clean: |world| world.mover().clean(0);
    /// Another page comes to lie where there is room.
    pack_another: |world| { spread(world); world.mover().pack(&[SECOND], 0) };
    repack: |world| world.mover().remove(0, Packed(1), false);
    /// A reader ahead, whose slot nobody keeps: he finds its page, or none, or what was stored since.
    look: |world| {
        let found = world.find(FIRST);
        assert!(matches!(found, None | Some(A | B)), "{found:?}");
    };
}

scenarios! {
    // From memory to a disk.
    a_slot_is_read_while_it_is_packed: in_ram, [read, pack] => [Some(A), None];
    a_slot_is_read_and_freed_while_it_is_packed: in_ram, [read_and_free, pack] => [None, None];
    a_slot_is_freed_while_it_is_packed: in_ram, [free, pack] => [None, None];
    a_slot_is_stored_again_while_it_is_packed: in_ram, [free_and_store, pack] => [Some(B), None];
    a_slot_is_overwritten_while_it_is_packed: in_ram, [overwrite, pack] => [Some(B), None];
    a_slot_is_swept_while_it_is_packed: in_ram, [mark_and_sweep, pack] => [None, None];
    a_slot_is_recompressed_while_it_is_packed: in_ram, [recompress, pack] => [Some(A), None];
    a_slot_is_packed_twice: in_ram, [pack, pack] => [Some(A), None];
    a_slot_is_packed_while_the_disk_goes: in_ram, [remove, pack] => [Some(A), None];
    /// What the mover frees is used again.
    a_slot_is_read_while_it_and_another_are_packed:
        in_ram, [read, |world| { pack(world); pack_another(world); }] => [Some(A), Some(C)];
    // A failed write.
    a_slot_is_read_while_it_is_not_written: bad_segment, [read, pack] => [Some(A), None];
    a_slot_is_stored_again_while_it_is_not_written:
        bad_segment, [free_and_store, pack] => [Some(B), None];
    /// The next segment takes it.
    a_slot_is_freed_while_it_is_packed_once_more:
        bad_segment, [free, |world| { pack(world); pack(world); }] => [None, None];
    // Frees and stores.
    a_slot_is_read_while_its_neighbour_is_freed:
        both, [read_and_free, |world| world.free(SECOND)] => [None, None];
    /// The segment is used again at once, by a page that takes the freed one's place.
    a_slot_is_looked_at_while_its_segment_is_used_again:
        beside, [look, |world| { free(world); pack_another(world); }] => [None, Some(C)];
    /// It is the slot's own new page that takes the place.
    a_slot_is_looked_at_while_it_is_packed_anew:
        packed, [look, |world| { free_and_store(world); pack(world); }] => [Some(B), None];
    a_slot_is_looked_at_while_it_is_overwritten: packed, [look, overwrite] => [Some(B), None];
    a_slot_is_looked_at_while_it_is_swept: packed, [look, mark_and_sweep] => [None, None];
    a_slot_is_swept_while_its_neighbour_is_read:
        both, [mark_and_sweep, read_the_other] => [None, Some(B)];
    // The cleaner.
    a_slot_is_read_while_it_is_cleaned: packed, [read, clean] => [Some(A), None];
    a_slot_is_read_and_freed_while_it_is_cleaned: packed, [read_and_free, clean] => [None, None];
    a_slot_is_freed_while_it_is_cleaned: packed, [free, clean] => [None, None];
    a_slot_is_stored_again_while_it_is_cleaned: packed, [free_and_store, clean] => [Some(B), None];
    a_slot_is_overwritten_while_it_is_cleaned: packed, [overwrite, clean] => [Some(B), None];
    a_slot_is_swept_while_it_is_cleaned: packed, [mark_and_sweep, clean] => [None, None];
    /// The cleaner may meet the segment that is being written.
    a_slot_is_packed_anew_while_it_is_cleaned:
        packed, [|world| { free_and_store(world); pack(world); }, clean] => [Some(B), None];
    /// The page that is packed anew goes to another disk, which may be cleaned next.
    a_slot_is_packed_elsewhere_while_it_is_cleaned:
        packed, [
            |world| { free_and_store(world); world.mover().pack(&[FIRST], 1); world.mover().clean(1); },
            clean,
        ] => [Some(B), None];
    a_slot_is_freed_while_its_neighbour_is_cleaned: both, [free, clean] => [None, Some(B)];
    /// What was cleaned is used again.
    a_slot_is_read_while_its_segment_is_cleaned_and_used_again:
        packed, [read, |world| { clean(world); pack_another(world); }] => [Some(A), Some(C)];
    a_slot_is_cleaned_twice: packed, [clean, clean] => [Some(A), None];
    a_slot_is_looked_at_while_another_takes_its_place:
        packed, [look, clean, free] => [None, None];
    // A drain.
    a_slot_is_read_while_its_disk_goes: packed, [read, remove] => [Some(A), None];
    a_slot_is_read_while_it_is_packed_on_another_disk: packed, [read, repack] => [Some(A), None];
    a_slot_is_read_while_it_is_unpacked: packed, [read, remove_to_the_other] => [Some(A), None];
    a_slot_is_freed_while_its_disk_goes: packed, [free, remove] => [None, None];
    a_slot_is_freed_while_it_is_packed_on_another_disk: packed, [free, repack] => [None, None];
    a_slot_is_stored_again_while_its_disk_goes: packed, [free_and_store, repack] => [Some(B), None];
    a_slot_is_overwritten_while_its_disk_goes: packed, [overwrite, remove] => [Some(B), None];
    a_slot_is_swept_while_its_disk_goes: packed, [mark_and_sweep, repack] => [None, None];
    a_slot_is_cleaned_while_its_disk_goes: packed, [clean, repack] => [Some(A), None];
    a_slot_is_read_while_it_is_cleaned_and_its_disk_goes:
        packed, [read, clean, remove] => [Some(A), None];
    // The cluster's form.
    a_packed_page_keeps_its_cluster_s_table:
        half_packed, [read, clean] => [Some(A), Some(B)];
}
