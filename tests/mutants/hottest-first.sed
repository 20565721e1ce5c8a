# SPDX-License-Identifier: GPL-2.0-only
# what: the youngest pages are written back first
# file: src/engine/generation.rs
# test: host
s/Generation::of(oldest\.wrapping_add(age))/Generation::of(oldest.wrapping_sub(age))/
