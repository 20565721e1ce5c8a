# SPDX-License-Identifier: GPL-2.0-only
# what: segments that could not be written use up the daily limit
# file: src/movers/writer.rs
# test: packed-faults
s/self\.end_segment(filled, chunk\.was_any_written(filled, &failed));/self.end_segment(filled, chunk.was_any_written(filled, \&failed) || true);/
