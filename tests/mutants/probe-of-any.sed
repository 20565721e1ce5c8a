# SPDX-License-Identifier: GPL-2.0-only
# what: a disk with another's first page is taken back
# file: src/movers/watch.rs
# test: returning
s/if !disk\.is_signed(&page)/if false \&\& !disk.is_signed(\&page)/
