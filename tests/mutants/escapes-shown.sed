# SPDX-License-Identifier: GPL-2.0-only
# what: control characters in names reach the terminal
# file: tools/vswapctl/src/out.rs
# test: tools
s/if c\.is_control()$/if c == '\\0'/
