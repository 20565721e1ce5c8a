# SPDX-License-Identifier: GPL-2.0-only
# what: a file is recognized by its name only
# file: tools/vswapctl/src/system.rs
# test: tools
s/Some(file) => self\.is_over(&tier\.path, file),/Some(_) => self.loop_file(\&tier.path).is_some_and(|behind| behind.path == path),/
