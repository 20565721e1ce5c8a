# SPDX-License-Identifier: GPL-2.0-only
# what: the hottest clusters are written back first
# file: src/writeback.rs
# test: inversion
s/now\.wrapping_sub(cluster\.stored), cluster/!&/
