# SPDX-License-Identifier: GPL-2.0-only
# what: a disk goes while somebody frees a slot of it
# file: src/engine/bay.rs
# test: models drain
/^            if grace\.left == 0 {$/{
n
s/P::synchronize();//
}
