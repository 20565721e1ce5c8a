# SPDX-License-Identifier: GPL-2.0-only
# what: holes are written around, not closed
# file: src/movers/writeback.rs
# test: kunit
s/pool\.saturating_sub(objects) > pool \/ HOLES/pool < objects/
