# SPDX-License-Identifier: GPL-2.0-only
# what: the swap header says one page more than there is
# file: src/engine/header.rs
# test: swapon
s/let last_page = pages\.saturating_sub(1)/let last_page = pages/
