# SPDX-License-Identifier: GPL-2.0-only
# what: a segment is claimed of which a slot is in use
# file: src/engine/allocator.rs
# test: host
s/if is_clear \&\& self.claim_at(slot, SEGMENT_SLOTS) {/if self.space.claim_at(cluster, from, 1).is_ok() {/
