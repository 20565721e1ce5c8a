# SPDX-License-Identifier: GPL-2.0-only
# what: the signature of a disk stays on it
# file: src/disk.rs
# test: tiers
s/^\( *\)if !self\.backing\.is_dead() {$/\1if false {/
