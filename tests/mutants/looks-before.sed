# SPDX-License-Identifier: GPL-2.0-only
# what: a reader does not look its page up again in the bay
# file: src/engine/bay.rs
# test: models drain
/^        let entered = self\.enter()?;$/{h;d}
/^        let place = look()\.filter(|place| place\.disk == self\.number)?;$/G
