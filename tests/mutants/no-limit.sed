# SPDX-License-Identifier: GPL-2.0-only
# what: the limit is not looked at
# file: src/tiers/ram.rs
# test: limit
s/self\.pool\.bytes() > self\.limit()/self.limit() == u64::MAX/
