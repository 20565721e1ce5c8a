# SPDX-License-Identifier: GPL-2.0-only
# what: a page that can not be written is taken for written
# file: src/glue/request.rs
# test: faults
s/^        if pending\.direction == Direction::Write \&\& (failed/        if pending.direction == Direction::Write \&\& (false/
