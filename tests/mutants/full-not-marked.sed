# SPDX-License-Identifier: GPL-2.0-only
# what: room that a full cluster gets is not marked
# file: src/engine/allocator.rs
# test: host
s/if before\.room() == 0 \&\& after\.room() != 0 {/if false {/
