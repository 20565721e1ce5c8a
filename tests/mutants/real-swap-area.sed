# SPDX-License-Identifier: GPL-2.0-only
# what: the signature of a disk is that of a swap area of 16 MiB
# file: src/engine/header.rs
# test: stale
s/^    write(page, 2);$/    write(page, 4096);/
