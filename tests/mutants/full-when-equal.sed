# SPDX-License-Identifier: GPL-2.0-only
# what: the ram tier is full only at exactly its limit
# file: src/tiers/ram.rs
# test: kunit
s/self\.refused\.load(Ordering::Relaxed) && !self\.has_room()/self.pool.bytes() >= self.limit()/
