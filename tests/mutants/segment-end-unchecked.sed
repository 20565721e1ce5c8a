# SPDX-License-Identifier: GPL-2.0-only
# what: an object may end behind its segment
# file: src/engine/entry.rs
# test: host
s/<= SEGMENT_SLOTS$/<= SEGMENT_SLOTS + 1/
