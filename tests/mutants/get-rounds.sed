# SPDX-License-Identifier: GPL-2.0-only
# what: set does not accept the output of get, which is rounded
# file: tools/vswapctl/src/settings.rs
# test: tools
/^pub fn show/,/^}/s/size::exact(bytes)/size::human(bytes)/
