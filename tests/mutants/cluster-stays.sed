# SPDX-License-Identifier: GPL-2.0-only
# what: a cluster stays when its last slot is freed
# file: src/engine/index/sweep.rs
# test: statistics
s/^        if swept\.slots() != 0 && locked\.occupancy()\.is_empty() {$/        if swept.slots() > 1000 \&\& locked.occupancy().is_empty() {/
