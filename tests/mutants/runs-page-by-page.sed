# SPDX-License-Identifier: GPL-2.0-only
# what: a large folio is read page by page
# file: src/device/load.rs
# test: kunit
s/^                        is_run,$/                        is_run: is_run \&\& false,/
