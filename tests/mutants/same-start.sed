# SPDX-License-Identifier: GPL-2.0-only
# what: only the first words decide whether a page repeats one
# file: src/engine/same.rs
# test: host
s/page\.chunks_exact(STRIDE)/page.chunks_exact(STRIDE).take(4)/
