# SPDX-License-Identifier: GPL-2.0-only
# what: what was freed is not there before a process is killed
# file: src/device/shrink.rs
# test: kunit
/fn last(/,/^    }/s/self\.shrink_by_sweeping()/0/
