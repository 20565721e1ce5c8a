# SPDX-License-Identifier: GPL-2.0-only
# what: a silent disk gets as many writes as there are
# file: src/engine/under_way.rs
# test: silent
s/QUOTA: u64 = 48/QUOTA: u64 = 1 << 40/
