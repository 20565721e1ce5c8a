# SPDX-License-Identifier: GPL-2.0-only
# what: a run may go one slot beyond its cluster
# file: src/engine/map.rs
# test: host
s/if count == 0 || end > SLOTS_PER_CLUSTER {/if count == 0 || end > SLOTS_PER_CLUSTER + 1 {/
