# SPDX-License-Identifier: GPL-2.0-only
# what: a disk is emptied while a store may still have to find out which of its pages were not written
# file: src/glue/request.rs
# test: kunit
s/^            unsafe { \*self\.section\.get() = Some(extent\.section) };$/            drop(extent.section);/
