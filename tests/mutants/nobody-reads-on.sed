# SPDX-License-Identifier: GPL-2.0-only
# what: the thread is never asked to read ahead
# file: src/engine/window.rs
# test: host
s/now\.window == FULL && is_within(slot, now\.next)/false \&\& is_within(slot, now.next)/
