# SPDX-License-Identifier: GPL-2.0-only
# what: pages get no generation
# file: src/engine/index/ages.rs
# test: kunit
s/entry\.aged(self\.generations\.newest())/entry/
