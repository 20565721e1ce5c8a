# SPDX-License-Identifier: GPL-2.0-only
# what: a drain puts pages into the buffer
# file: src/tiers/ram.rs
# test: packed
s/self\.asked_limit()\.saturating_sub/self.limit().saturating_sub/; s/self\.asked_limit() != 0/self.limit() != 0/
