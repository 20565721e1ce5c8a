# SPDX-License-Identifier: GPL-2.0-only
# what: a page that its entry holds waits for room
# file: src/device/store.rs
# test: kunit
s/^        let word = same::repeated_word(page\.contents());$/&\n        if device.ram.is_full() {\n            device.make_room();\n        }/
