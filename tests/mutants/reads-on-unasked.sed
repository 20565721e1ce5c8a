# SPDX-License-Identifier: GPL-2.0-only
# what: the thread is asked to read ahead wherever the reader is
# file: src/engine/window.rs
# test: host
s/distance != 0 && distance <= DISTANCE/distance != 0/
