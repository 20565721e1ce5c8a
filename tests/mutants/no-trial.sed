# SPDX-License-Identifier: GPL-2.0-only
# what: a disk that was taken back may fail eight times again
# file: src/engine/health.rs
# test: host
s/self\.writes_in_a_row\.store(last, /self.writes_in_a_row.store(last \& 1, /
