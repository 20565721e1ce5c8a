# SPDX-License-Identifier: GPL-2.0-only
# what: a configuration with crossing watermarks is valid
# file: tools/vswapctl/src/config.rs
# test: tools
s/^        if low < high {$/        if low < high || low > 0 {/
