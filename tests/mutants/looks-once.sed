# SPDX-License-Identifier: GPL-2.0-only
# what: a slot that is freed while its group's mark is taken away is overlooked
# file: src/engine/allocator.rs
# test: models
s/self\.in_group(first)\.inspect(|_| self\.mark(group))/None/
