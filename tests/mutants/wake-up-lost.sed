# SPDX-License-Identifier: GPL-2.0-only
# what: what is freed while a sweep begins wakes nobody
# file: src/engine/pending.rs
# test: models clusters
s/self\.any\.swap(false, Ordering::AcqRel);/self.any.store(false, Ordering::SeqCst);/
