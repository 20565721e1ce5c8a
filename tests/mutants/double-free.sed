# SPDX-License-Identifier: GPL-2.0-only
# what: an object is freed twice
# file: src/glue/zsmalloc.rs
# test: contents
s/unsafe { \(bindings::zs_free(self\.pool\.as_ptr(), self\.address(object\.handle))\) }/unsafe { \1; \1 }/
