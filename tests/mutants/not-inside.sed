# SPDX-License-Identifier: GPL-2.0-only
# what: a bay is not entered
# file: src/engine/bay.rs
# test: models drain
s/^            disk: self\.disk\.see()?,$/            disk: { drop(section); self.disk.see()? },/;s/^            _section: section,$/            _section: P::Sections::new()?.enter(),/
