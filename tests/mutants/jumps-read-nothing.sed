# SPDX-License-Identifier: GPL-2.0-only
# what: a jump begins with the smallest window in spite of trust
# file: src/engine/window.rs
# test: host
s/return if is_trusted { Ahead::MOST } else { none };/return none;/
