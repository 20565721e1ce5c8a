# SPDX-License-Identifier: GPL-2.0-only
# what: cleaning a disk goes on when the daily limit is spent
# file: src/movers/writer.rs
# test: packed
s/if self.is_limited \&\& !device.budget().take(SEGMENT_PAGES, clock::seconds())/if self.is_limited \&\& self.only.is_none() \&\& !device.budget().take(SEGMENT_PAGES, clock::seconds())/
