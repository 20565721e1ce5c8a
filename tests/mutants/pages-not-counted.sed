# SPDX-License-Identifier: GPL-2.0-only
# what: the pages of a call are not compared with what was asked for
# file: src/glue/call.rs
# test: kunit
s/ == Some(self\.bytes);/.is_some();/
