# SPDX-License-Identifier: GPL-2.0-only
# what: of a disk with too many failures, any place is given up
# file: src/engine/failed.rs
# test: host
s/^        self\.extents()\.any(|extent| extent\.has(place))$/        self.is_beyond(place.disk) || self.extents().any(|extent| extent.has(place))/
