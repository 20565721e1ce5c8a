# SPDX-License-Identifier: GPL-2.0-only
# what: a run goes on behind a slot in use
# file: src/engine/map.rs
# test: host
s/if count == 0 || run \& 1 == 1 {/if count == 0 || run != 0 {/
