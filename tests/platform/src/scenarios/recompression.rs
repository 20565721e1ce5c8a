// SPDX-License-Identifier: GPL-2.0-only

//! Pages of the ram tier are compressed anew while their slots are used.

use super::*;

scenarios! {
    a_slot_is_freed: in_ram, [free, recompress] => [None, None];
    a_slot_is_overwritten: in_ram, [overwrite, recompress] => [Some(B), None];
    a_slot_is_freed_and_stored_again: in_ram, [free_and_store, recompress] => [Some(B), None];
    a_slot_is_read: in_ram, [read, |world| { recompress(world); spread(world) }] => [Some(A), Some(C)];
}
