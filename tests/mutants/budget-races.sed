# SPDX-License-Identifier: GPL-2.0-only
# what: two may take the same part of the budget
# file: src/engine/budget.rs
# test: models
s/^        let taken = self$/        let left = self.left(now) >= pages * PAGE_BYTES;\n        self.spend(pages * PAGE_BYTES, now);\n        return left;\n        #[allow(unreachable_code)]\n&/
