# SPDX-License-Identifier: GPL-2.0-only
# what: a slot has two movers at a time
# file: src/engine/entry.rs
# test: models writeback
s/if self\.0 & STATE_MASK == STATE_RAM && self\.0 & MOVING_FLAG == 0 {/if self.0 \& STATE_MASK == STATE_RAM {/
