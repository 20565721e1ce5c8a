# SPDX-License-Identifier: GPL-2.0-only
# what: what memory has no room for is written without limit
# file: src/device/store.rs
# test: kunit
s/ || !device\.may_write_page()//
