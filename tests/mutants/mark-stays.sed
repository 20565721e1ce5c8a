# SPDX-License-Identifier: GPL-2.0-only
# what: a slot that is stored to again keeps the mark of having been freed
# file: src/engine/freed.rs
# test: models
s/^            self\.marks\.clear(offset);$/            let _ = offset;/
