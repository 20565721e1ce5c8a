# SPDX-License-Identifier: GPL-2.0-only
# what: a number without a unit is taken for bytes, however small
# file: tools/vswapctl/src/expression.rs
# test: tools
s/(1\.\.1 << 20)\.contains(&bytes)/bytes == u64::MAX/
