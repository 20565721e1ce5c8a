# SPDX-License-Identifier: GPL-2.0-only
# what: another machine's disk is overwritten without asking
# file: tools/vswapctl/src/signature.rs
# test: tools
s/machine\.is_some_and(|own| own >> 64 == uuid >> 64)/machine.is_some_and(|own| own >> 64 != 0)/
