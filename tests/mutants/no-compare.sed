# SPDX-License-Identifier: GPL-2.0-only
# what: a mover takes any entry for the one it has copied
# file: src/glue/index.rs
# test: races
s/^            if locked\.get(slot\.offset()) != expected {$/            if locked.get(slot.offset()).is_empty() {/
