# SPDX-License-Identifier: GPL-2.0-only
# what: a change after which writeback is wanted does not begin it
# file: src/device/mod.rs
# test: writeback
/fn begin_writeback/,/^    }/s/^        self\.bell\.wake();$//
