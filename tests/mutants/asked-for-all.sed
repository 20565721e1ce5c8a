# SPDX-License-Identifier: GPL-2.0-only
# what: reclaim may ask for all pages in a second
# file: src/engine/asked.rs
# test: host
s/^const PART: u64 = 256;/const PART: u64 = 1;/
