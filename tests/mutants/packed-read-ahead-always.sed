# SPDX-License-Identifier: GPL-2.0-only
# what: a segment is read as a whole, whoever reads
# file: src/engine/window.rs
# test: host
s/if !is_near {/if false {/
