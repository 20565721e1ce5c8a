# SPDX-License-Identifier: GPL-2.0-only
# what: of a request with too many failures, any place is taken for a bad one
# file: src/glue/call.rs
# test: kunit
s/!self\.is_beyond() && self\.has(place)/self.has(place)/
