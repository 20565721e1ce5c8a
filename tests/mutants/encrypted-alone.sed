# SPDX-License-Identifier: GPL-2.0-only
# what: of a large folio that is encrypted each page is written alone
# file: src/glue/transfer.rs
# test: kunit
s/^            (Direction::Write, Some(_)) => self\.pages,$/            (Direction::Write, Some(_)) => self.pieces,/
