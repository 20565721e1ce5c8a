# SPDX-License-Identifier: GPL-2.0-only
# what: a colon in the path of a disk is taken for its priority
# file: tools/vswapctl/src/cli.rs
# test: tools
s/if system::resolve(text)\.exists() {/if text.is_empty() {/
