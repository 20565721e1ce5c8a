# SPDX-License-Identifier: GPL-2.0-only
# what: each folio goes to a disk by itself
# file: src/glue/swap_io.rs
# test: sequential
s/^        is_write$/        false/
