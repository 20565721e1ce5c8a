# SPDX-License-Identifier: GPL-2.0-only
# what: the signature of a disk stays on it
# file: src/tiers/changing.rs
# test: tiers
s/^\( *\)if !disk\.backing()\.is_dead() {$/\1if false {/
