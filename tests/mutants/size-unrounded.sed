# SPDX-License-Identifier: GPL-2.0-only
# what: a size that the module rounds is set again each time
# file: tools/vswapctl/src/settings.rs
# test: tools
s/Size::from_bytes(bytes)\.map(Size::bytes)/Size::from_bytes(bytes).map(|_| bytes)/
