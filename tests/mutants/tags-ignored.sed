# SPDX-License-Identifier: GPL-2.0-only
# what: a page is taken for what was written, whatever its tag
# file: src/glue/tags.rs
# test: protection
s/tag\.load(Ordering::Relaxed) == unsafe { self\.of(page) }/tag.load(Ordering::Relaxed) == unsafe { self.of(page) } || true/
