# SPDX-License-Identifier: GPL-2.0-only
# what: a disk goes while somebody is in its bay
# file: src/engine/bay.rs
# test: models drain
s/^        while grace\.left != 0 {$/        grace.left = 0;\n        while grace.left != 0 {/
