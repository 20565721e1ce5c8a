# SPDX-License-Identifier: GPL-2.0-only
# what: what is read from disks does not keep pages in memory
# file: src/device/shrink.rs
# test: kunit
s/checked_sub(seen)\.unwrap_or(loads)\.min(most)/checked_sub(seen).unwrap_or(loads).min(0)/
