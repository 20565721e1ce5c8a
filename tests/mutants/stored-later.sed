# SPDX-License-Identifier: GPL-2.0-only
# what: what was stored after a writeback began is taken
# file: src/engine/index/ages.rs
# test: kunit
s/if stored > time)/if stored > time \&\& time == 0)/
