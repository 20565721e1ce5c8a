# SPDX-License-Identifier: GPL-2.0-only
# what: what lies packed on a disk is not given back by a sweep
# file: src/engine/index/sweep.rs
# test: models packed::a_slot_is_swept
s/^    fn push(&mut self, entry: Entry) {$/&\n        if !entry.is_ram() {\n            return;\n        }/
