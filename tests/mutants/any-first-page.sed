# SPDX-License-Identifier: GPL-2.0-only
# what: a disk is taken back whatever its first page holds
# file: src/movers/watch.rs
# test: returning
s/if !disk\.is_signed(&page) {/if false {/
