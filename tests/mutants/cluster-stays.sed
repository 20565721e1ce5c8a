# SPDX-License-Identifier: GPL-2.0-only
# what: a cluster stays when its last slot is freed
# file: src/glue/index.rs
# test: statistics
s/^        if swept\.slots() != 0 && locked\.occupancy()\.is_empty() {$/        if swept.slots() > 1000 \&\& locked.occupancy().is_empty() {/
