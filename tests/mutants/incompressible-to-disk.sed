# SPDX-License-Identifier: GPL-2.0-only
# what: pages that do not compress go to a disk at once
# file: src/device/store.rs
# test: inversion
s/^        let page = if ram\.is_above_high() {$/        let page = if ram.limit() != 0 {/
