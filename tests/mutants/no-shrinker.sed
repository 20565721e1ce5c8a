# SPDX-License-Identifier: GPL-2.0-only
# what: nobody writes back when the machine has little memory
# file: src/device/shrink.rs
# test: shrinker
s/wanted\.saturating_add(pages)\.min(most)/wanted.saturating_sub(pages).min(most)/
