# SPDX-License-Identifier: GPL-2.0-only
# what: a packed page is moved whatever its slot holds by now
# file: src/engine/index/moves.rs
# test: models packed::a_slot_is_overwritten
s/^        self\.exchange_entry(cpu, slot, Entry::packed(packed), new, &mut None)$/        let now = self.with_locked(cpu, slot.cluster(), |locked| locked.get(slot.offset()));\n        self.exchange_entry(cpu, slot, now.unwrap_or(Entry::packed(packed)), new, \&mut None)/
