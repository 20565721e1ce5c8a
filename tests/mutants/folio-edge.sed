# SPDX-License-Identifier: GPL-2.0-only
# what: the last page of a huge page goes to the slot of the one before
# file: src/glue/swap_io.rs
# test: thp
s/first\.checked_add(i)?/first.checked_add(i.min(510))?/
