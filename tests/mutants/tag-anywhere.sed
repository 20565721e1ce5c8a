# SPDX-License-Identifier: GPL-2.0-only
# what: a page fits if it is what was written to any slot
# file: src/glue/tags.rs
# test: protection
s/^            \.is_some_and(|tag| tag\.load(Ordering::Relaxed) == unsafe { self\.of(page) })$/            .is_some_and(|_| { let this = unsafe { self.of(page) }; self.tags.iter().any(|tag| tag.load(Ordering::Relaxed) == this) })/
