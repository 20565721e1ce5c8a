# SPDX-License-Identifier: GPL-2.0-only
# what: writeback whose writes failed waits for a store
# file: src/movers/writeback.rs
# test: packed-faults
s/if is_idle \&\& has_failed {/if is_idle \&\& has_failed \&\& false {/
