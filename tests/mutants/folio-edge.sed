# SPDX-License-Identifier: GPL-2.0-only
# what: the last page of a huge page goes to the slot of the one before
# file: src/glue/call.rs
# test: thp
s/^            start: start\.wrapping_add(1),$/            start: start.wrapping_add(usize::from(pages != 2)),/
