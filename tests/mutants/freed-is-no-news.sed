# SPDX-License-Identifier: GPL-2.0-only
# what: nobody looks for clusters to discard when slots were freed
# file: src/tiers/discarding.rs
# test: discard
s/!self\.was_freed\.load(Ordering::Relaxed) && !self\.was_freed\.swap(true, Ordering::Relaxed)/false/
