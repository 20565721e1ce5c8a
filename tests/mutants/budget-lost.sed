# SPDX-License-Identifier: GPL-2.0-only
# what: what finds no room on a disk is spent
# file: src/device/store.rs
# test: kunit
s/^            device\.budget\.give_back(1);$//
