# SPDX-License-Identifier: GPL-2.0-only
# what: a number with too many digits overflows
# file: src/engine/config.rs
# test: fuzz
s/number\.checked_mul(10)?\.checked_add/(number * 10).checked_add/
