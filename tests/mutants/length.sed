# SPDX-License-Identifier: GPL-2.0-only
# what: an object's length is one byte short
# file: src/glue/zsmalloc.rs
# test: contents
s/Length::new(bytes\.len())/Length::new(bytes.len().saturating_sub(1))/
