# SPDX-License-Identifier: GPL-2.0-only
# what: an empty value does not reset a key
# file: tools/vswapctl/src/config.rs
# test: tools
s/^            values\.remove(key);$//
