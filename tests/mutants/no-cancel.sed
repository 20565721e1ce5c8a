# SPDX-License-Identifier: GPL-2.0-only
# what: a removal goes on when it is cancelled
# file: src/engine/health.rs
# test: drain
s/^        self\.draining\.load(Ordering::Acquire) == CANCELLED$/        false/
