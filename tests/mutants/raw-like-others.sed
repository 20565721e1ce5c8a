# SPDX-License-Identifier: GPL-2.0-only
# what: incompressible pages are as young as others of their age
# file: src/engine/generation.rs
# test: host
s/load(Ordering::Relaxed)\.wrapping_sub(1))/load(Ordering::Relaxed))/
