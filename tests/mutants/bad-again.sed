# SPDX-License-Identifier: GPL-2.0-only
# what: a bad slot is used again
# file: src/tiers/disks.rs
# test: faults
s/^        if bad\.iter()\.any(|failed| failed\.is_bad(place)) {$/        if bad.len() > 9 {/
