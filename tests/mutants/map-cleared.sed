# SPDX-License-Identifier: GPL-2.0-only
# what: a cluster that gets a table clears its map
# file: src/engine/index/cluster.rs
# test: models forms
s/^        \/\/ The map stays as it is: .*$/        self.cluster.map.clear_all();/
