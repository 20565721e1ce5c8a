# SPDX-License-Identifier: GPL-2.0-only
# what: a cluster object keeps its number when it goes
# file: src/engine/number.rs
# test: models
/pub fn give_up/,/^    }/s/NONE/self.0.load(Ordering::Relaxed)/
