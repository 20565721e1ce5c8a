# SPDX-License-Identifier: GPL-2.0-only
# what: what a slot held before still fits
# file: src/glue/tags.rs
# test: protection
s/memory::defaults(slots)?/memory::defaults(slots * 2)?/
s/^            tag\.store(unsafe { self\.of(page) }, Ordering::Relaxed);$/            let last = tag.swap(unsafe { self.of(page) }, Ordering::Relaxed);\n            if let Some(before) = self.tags.get(self.tags.len() \/ 2 + slot.number() as usize) { before.store(last, Ordering::Relaxed); }/
s/^            \.is_some_and(|tag| tag\.load(Ordering::Relaxed) == unsafe { self\.of(page) })$/            .is_some_and(|tag| { let this = unsafe { self.of(page) }; tag.load(Ordering::Relaxed) == this || self.tags.get(self.tags.len() \/ 2 + slot.number() as usize).is_some_and(|before| before.load(Ordering::Relaxed) == this) })/
