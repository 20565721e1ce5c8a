# SPDX-License-Identifier: GPL-2.0-only
# what: an object is taken for its cluster whatever it has become
# file: src/engine/index/cluster.rs
# test: models clusters
s/self\.carried\.is(number)\.then_some(Locked {/(self.carried.is(number) || true).then_some(Locked {/
