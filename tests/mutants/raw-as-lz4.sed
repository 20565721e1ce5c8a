# SPDX-License-Identifier: GPL-2.0-only
# what: a page that did not compress is marked as compressed
# file: src/tiers/ram.rs
# test: contents
s/self\.pool\.store(Codec::Raw,/self.pool.store([Codec::Lz4, Codec::Raw][0],/
