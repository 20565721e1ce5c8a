# SPDX-License-Identifier: GPL-2.0-only
# what: a freed slot's object is not freed
# file: src/device.rs
# test: statistics
s/^\( *\)self\.ram\.free(replaced\.old);$/\1let _ = replaced.old;/
