# SPDX-License-Identifier: GPL-2.0-only
# what: the limit of a day is not minded by writeback
# file: src/engine/budget.rs
# test: writeback
s/^        limit\.saturating_sub((day.*$/        limit.max(day)/
