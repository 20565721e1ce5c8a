# SPDX-License-Identifier: GPL-2.0-only
# what: a page that was read from a disk loses its slot, and is written again
# file: src/glue/swap_area.rs
# test: kinds
/^pub(crate) fn page_read_from_disk/,/^}/s/set_synchronous(false)/set_synchronous(true)/
