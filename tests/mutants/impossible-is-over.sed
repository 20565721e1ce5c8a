# SPDX-License-Identifier: GPL-2.0-only
# what: a call that there can't be is taken for one that is over
# file: src/glue/call.rs
# test: kunit
s/^            _ => self\.end(),/            _ => Ok(None),/
