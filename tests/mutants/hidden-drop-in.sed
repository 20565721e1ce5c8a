# SPDX-License-Identifier: GPL-2.0-only
# what: hidden files and editors' backups are read as drop-ins
# file: tools/vswapctl/src/config.rs
# test: tools
s/ && !text\.starts_with(\['\.', '#'\])//
