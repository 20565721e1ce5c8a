# SPDX-License-Identifier: GPL-2.0-only
# what: a same-filled page comes back with half its word
# file: src/device/load.rs
# test: contents
s/contents\.fill(word)/contents.fill(word \& 0xffff_ffff)/
