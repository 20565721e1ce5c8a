# SPDX-License-Identifier: GPL-2.0-only
# what: check does not report that pages have no place to go
# file: tools/vswapctl/src/check.rs
# test: tools
s/device\.ram_limit()\.ok()? == 0 &&/device.ram_limit().ok()? == u64::MAX \&\&/
