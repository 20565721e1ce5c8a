# SPDX-License-Identifier: GPL-2.0-only
# what: what can not be read is never given up
# file: src/movers/drain.rs
# test: faults
s/^                Target::Unreadable if self\.force => Owned::LOST,$/                Target::Unreadable if self.force \&\& slot.cluster().index() == u32::MAX => Owned::LOST,/
