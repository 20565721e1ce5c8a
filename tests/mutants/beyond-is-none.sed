# SPDX-License-Identifier: GPL-2.0-only
# what: of a disk with too many failures, what can't be told apart is taken for written
# file: src/engine/failed.rs
# test: host
s/self\.is_beyond(place\.disk) || self\.is_exactly(place)/self.is_exactly(place)/
