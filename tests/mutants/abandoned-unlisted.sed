# SPDX-License-Identifier: GPL-2.0-only
# what: a page that was not moved in the end is not found again
# file: src/engine/index/moves.rs
# test: kunit
s/if kept \&\& locked\.occupancy()\.listed()\.is_none()/if !kept/
