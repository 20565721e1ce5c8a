# SPDX-License-Identifier: GPL-2.0-only
# what: a slot that could not be written is used again when its segment is freed
# file: src/tiers/disk.rs
# test: packed-faults
s/let worn = packing.take_worn(segment);/let worn = packing.take_worn(segment) \& 0;/
