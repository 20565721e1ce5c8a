# SPDX-License-Identifier: GPL-2.0-only
# what: check does not report other swap of the same priority
# file: tools/vswapctl/src/check.rs
# test: tools
s/swap\.path != NODE && swap\.priority >= priority/swap.path != NODE \&\& swap.priority > priority/
