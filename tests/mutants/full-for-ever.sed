# SPDX-License-Identifier: GPL-2.0-only
# what: what is freed makes no room in a tier that was full
# file: src/tiers/ram.rs
# test: kunit
s/^            self\.freed();$//
