# SPDX-License-Identifier: GPL-2.0-only
# what: clusters are discarded again and again
# file: src/engine/discarding.rs
# test: host
s/ && self\.0 & DISCARDED == 0//
