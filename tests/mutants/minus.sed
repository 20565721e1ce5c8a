# SPDX-License-Identifier: GPL-2.0-only
# what: a priority below 0 is one above
# file: src/engine/config.rs
# test: host
s/number\.wrapping_neg()/number/
