# SPDX-License-Identifier: GPL-2.0-only
# what: a disk is emptied with too little room elsewhere
# file: src/movers/drain.rs
# test: drain
s/^    if missing == 0 {$/    if missing != u64::MAX {/
