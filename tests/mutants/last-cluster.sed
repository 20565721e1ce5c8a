# SPDX-License-Identifier: GPL-2.0-only
# what: slots beyond the end of a disk can be had
# file: src/engine/allocator.rs
# test: host
s/let beyond = SLOTS_PER_CLUSTER\.saturating_sub(end\.index());/let beyond = 1;/
