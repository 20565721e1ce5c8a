# SPDX-License-Identifier: GPL-2.0-only
# what: a slot that can't be claimed, as another page has it, is freed
# file: src/tiers/disks.rs
# test: kunit
s/entered\.disk()\.claim(place\.slot, 1)\.then(|| Run {/entered.disk().claim(place.slot, 1).then_some(Run {/
