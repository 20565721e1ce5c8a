# SPDX-License-Identifier: GPL-2.0-only
# what: a field that a newer module adds to a disk makes it disappear
# file: tools/vswap-sysfs/src/tier.rs
# test: tools
s/^                tier\.others\.insert(field\.to_owned(), value\.to_owned());$/                return None;/
