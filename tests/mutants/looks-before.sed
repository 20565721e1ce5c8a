# SPDX-License-Identifier: GPL-2.0-only
# what: a reader does not look its page up again in the bay
# file: src/engine/bay.rs
# test: models drain
s/^        let entered = self\.enter()?;$/        let place = look().filter(|place| place.disk == self.number)?;/
s/^        let place = look()\.filter(|place| place\.disk == self\.number)?;$/        let entered = self.enter()?;/
