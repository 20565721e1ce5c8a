# SPDX-License-Identifier: GPL-2.0-only
# what: a cluster with little to gain does not wait for others
# file: src/engine/index/ages.rs
# test: kunit
s/^const LITTLE: usize = .*/const LITTLE: usize = 1;/
