# SPDX-License-Identifier: GPL-2.0-only
# what: forgetting is not ordered after the number is given up
# file: src/engine/last_used.rs
# test: models
/^pub fn forget_everywhere/,/^}/s/fence(Ordering::SeqCst);//
