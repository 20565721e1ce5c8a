# SPDX-License-Identifier: GPL-2.0-only
# what: a freed slot's object is not freed
# file: src/device/entries.rs
# test: statistics
s/^            _ => self\.ram\.free(entry),$/            _ => drop(entry),/
